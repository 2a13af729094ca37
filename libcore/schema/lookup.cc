#include "schema/lookup.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace nacre::schema {
namespace {

// Paths come from clients; a schema that refers to itself in two ways has exponentially many places to look at.
constexpr std::size_t kMaxPathDepth = 32;
constexpr std::size_t kMaxLookupDepth = 64;
constexpr std::size_t kMaxLookupSteps = 10'000;

using Found = std::optional<Field>;

/// Both hold.
Field both(Field a, const Field& b) {
  a.types &= b.types;
  a.date_time = a.date_time || b.date_time;
  a.item_types = a.item_types != 0 && b.item_types != 0 ? a.item_types & b.item_types : a.item_types | b.item_types;
  a.item_date_time = a.item_date_time || b.item_date_time;
  a.through_array = a.through_array || b.through_array;
  a.longest_text = std::min(a.longest_text, b.longest_text);
  return a;
}

/// One of both holds: strings are dates only if they are in each that has strings at all.
Field either(Field a, const Field& b) {
  const auto dates = [](std::uint8_t a_types, bool a_dates, std::uint8_t b_types, bool b_dates) {
    return (a_dates || b_dates) && (a_dates || (a_types & kString) == 0) && (b_dates || (b_types & kString) == 0);
  };
  a.date_time = dates(a.types, a.date_time, b.types, b.date_time);
  a.item_date_time = dates(a.item_types, a.item_date_time, b.item_types, b.item_date_time);
  a.longest_text = std::max(a.longest_text, b.longest_text);
  a.types |= b.types;
  a.item_types |= b.item_types;
  a.through_array = a.through_array || b.through_array;
  return a;
}

template <class Combine>
Found combined(const Found& a, const Found& b, Combine combine) {
  if (!a || !b) return a ? a : b;
  return combine(*a, *b);
}

/// What `look` finds in a node and in all that judge the same value.
template <class Look>
Found with_in_place(Found own, const Node& node, const Look& look) {
  for (const Node* part : node.all_of) own = combined(own, look(*part), both);
  for (const auto* branches : {&node.any_of, &node.one_of}) {
    Found any;
    for (const Node* branch : *branches) any = combined(any, look(*branch), either);
    own = combined(own, any, both);
  }
  Found conditional;
  for (const Node* branch : {node.then, node.otherwise}) {
    if (branch != nullptr) conditional = combined(conditional, look(*branch), either);
  }
  for (const Dependency& dependency : node.dependencies) {
    if (dependency.node != nullptr) conditional = combined(conditional, look(*dependency.node), either);
  }
  return own ? own : conditional;
}

Field describe_alone(const Node& node);

Field describe_value(const Node& node) {
  return *with_in_place(describe_alone(node), node, [](const Node& part) { return Found{describe_value(part)}; });
}

/// Of a text of so many characters.
std::size_t most_bytes(const Node& node) {
  constexpr std::size_t kBytesOfCharacter = 4;
  switch (node.format) {
    case Format::date_time:
      return std::string_view("2000-01-01T00:00:00.000Z").size();  // as format_rfc3339 writes it
    case Format::email:
    case Format::hostname:
    case Format::ipv4:
    case Format::ipv6:
    case Format::uri:
    case Format::uri_reference:
    case Format::uuid:
    case Format::date:
    case Format::time:
      return node.length.most;  // ASCII
    default:
      return node.length.most > Field::kUnbounded / kBytesOfCharacter ? Field::kUnbounded
                                                                      : node.length.most * kBytesOfCharacter;
  }
}

std::size_t longest_text(const Node& node) {
  if ((node.types & kString) == 0) return 0;
  const auto size = [](const Json& value) { return value.is_string() ? value.get_string().size() : 0; };
  if (node.constant) return size(*node.constant);
  if (!node.choices) return most_bytes(node);
  std::size_t longest = 0;
  for (const Json& value : *node.choices) longest = std::max(longest, size(value));
  return longest;
}

Field describe_alone(const Node& node) {
  Field field;
  field.types = node.never ? 0 : node.types;
  field.date_time = node.format == Format::date_time;
  std::uint8_t chosen = node.choices || node.constant ? 0 : kAny;
  if (node.constant) chosen = type_of(*node.constant);
  for (std::size_t i = 0; node.choices && i < node.choices->size(); ++i) chosen |= type_of((*node.choices)[i]);
  field.types &= chosen;
  field.longest_text = longest_text(node);
  return field;
}

std::vector<const Node*> item_nodes(const Node& node) {
  std::vector<const Node*> nodes = node.tuple;
  if (node.further != nullptr) nodes.push_back(node.further);
  return nodes;
}

/// The items of the node alone; nothing when it says nothing of them.
Found describe_items(const Node& node) {
  Found items;
  for (const Node* item : item_nodes(node)) items = combined(items, Found{describe_value(*item)}, either);
  return with_in_place(items, node, describe_items);
}

/// At most one more than kMaxPathDepth.
std::vector<std::string_view> names_of(std::string_view path) {
  std::vector<std::string_view> names;
  for (std::size_t begin = 0; begin <= path.size() && names.size() <= kMaxPathDepth;) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    names.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

class Search {
 public:
  explicit Search(std::string_view path) : names_(names_of(path)) {}

  Found run(const Node& root) { return names_.size() > kMaxPathDepth ? std::nullopt : find(root, 0, false); }

 private:
  /// The rest of the path from `at` on. `is_item`: the node is that of an array's items; items of items have no path. Where
  /// there are many ways, what was found at a node is remembered: several may lead to it.
  Found find(const Node& node, std::size_t at, bool is_item) {
    constexpr std::size_t kFewSteps = 50;
    if (steps_ < kFewSteps) return look(node, at, is_item);
    const Way way{&node, at, is_item};
    if (const auto known = known_.find(way); known != known_.end()) return known->second;
    return known_[way] = look(node, at, is_item);
  }

  Found look(const Node& node, std::size_t at, bool is_item) {
    if (at == names_.size()) return describe(node);
    if (++steps_ > kMaxLookupSteps || depth_ == kMaxLookupDepth || node.never) return std::nullopt;
    ++depth_;
    Found own = find_property(node, at);
    if (!is_item && (node.types & kArray) != 0) {
      for (const Node* item : item_nodes(node)) {
        Found inner = find(*item, at, true);
        if (inner) inner->through_array = true;
        own = combined(own, inner, either);
      }
    }
    own = with_in_place(own, node, [&](const Node& part) { return find(part, at, is_item); });
    --depth_;
    return own;
  }

  Found find_property(const Node& node, std::size_t at) {
    if ((node.types & kObject) == 0) return std::nullopt;
    const std::string_view name = names_[at];
    const Node* property = node.property(name);
    Found found = property != nullptr ? find(*property, at + 1, false) : std::nullopt;
    bool named = property != nullptr;
    for (const PatternProperty& entry : node.patterns) {
      if (entry.pattern.search(name, Pattern::Effort::usual) != Pattern::Found::yes) continue;
      named = true;
      found = combined(found, find(*entry.node, at + 1, false), both);
    }
    const bool described = !named && node.additional != nullptr && !node.additional->anything && !node.additional->never;
    return described ? find(*node.additional, at + 1, false) : found;
  }

  using Way = std::tuple<const Node*, std::size_t, bool>;

  const std::vector<std::string_view> names_;
  std::map<Way, Found> known_;
  std::size_t steps_ = 0;
  std::size_t depth_ = 0;
};

/// See may_have.
class Possible {
 public:
  explicit Possible(std::string_view path) : names_(names_of(path)) {}

  bool run(const Node& root) { return names_.size() > kMaxPathDepth || look(root, 0, false); }

 private:
  bool look(const Node& node, std::size_t at, bool is_item) {
    if (++steps_ > kMaxLookupSteps || depth_ == kMaxLookupDepth) return true;
    if (node.never) return false;
    if (at == names_.size()) return true;
    ++depth_;
    const bool possible = (in_object(node, at) || (at > 0 && !is_item && in_array(node, at))) && in_parts(node, at, is_item);
    --depth_;
    return possible;
  }

  bool in_object(const Node& node, std::size_t at) {
    if ((node.types & kObject) == 0) return false;
    const std::string_view name = names_[at];
    const Node* const property = node.property(name);
    if (property != nullptr && !look(*property, at + 1, false)) return false;
    bool named = property != nullptr;
    for (const PatternProperty& entry : node.patterns) {
      if (entry.pattern.search(name, Pattern::Effort::usual) != Pattern::Found::yes) continue;
      named = true;
      if (!look(*entry.node, at + 1, false)) return false;
    }
    return named || node.additional == nullptr || look(*node.additional, at + 1, false);
  }

  bool in_array(const Node& node, std::size_t at) {
    if ((node.types & kArray) == 0) return false;
    if (node.further == nullptr) return true;
    const auto nodes = item_nodes(node);
    return std::any_of(nodes.begin(), nodes.end(), [&](const Node* item) { return look(*item, at, true); });
  }

  bool in_parts(const Node& node, std::size_t at, bool is_item) {
    const auto may = [&](const Node* part) { return look(*part, at, is_item); };
    return std::all_of(node.all_of.begin(), node.all_of.end(), may) &&
           (node.any_of.empty() || std::any_of(node.any_of.begin(), node.any_of.end(), may)) &&
           (node.one_of.empty() || std::any_of(node.one_of.begin(), node.one_of.end(), may));
  }

  const std::vector<std::string_view> names_;
  std::size_t steps_ = 0;
  std::size_t depth_ = 0;
};

/// Walks the named places; a node below itself has no end of paths, and none is given.
class DateTimes {
 public:
  std::set<std::string> take() { return std::move(paths_); }

  void walk(const Node& node, const std::string& path) {
    if (++steps_ > kMaxLookupSteps || std::find(above_.begin(), above_.end(), &node) != above_.end()) return;
    above_.push_back(&node);
    if (node.format == Format::date_time && !path.empty()) paths_.insert(path);
    for (const Property& property : node.properties)
      walk(*property.node, path.empty() ? property.name : path + "." + property.name);
    for (const Node* item : item_nodes(node)) walk(*item, path);
    for (const Node* part : node.in_place()) {
      if (part != node.negated && part != node.condition) walk(*part, path);
    }
    above_.pop_back();
  }

 private:
  std::set<std::string> paths_;
  std::vector<const Node*> above_;
  std::size_t steps_ = 0;
};

}  // namespace

Field describe(const Node& node) {
  Field field = describe_value(node);
  if ((field.types & kArray) == 0) return field;
  const Found items = describe_items(node);
  field.item_types = items ? items->types : static_cast<std::uint8_t>(kAny);
  field.item_date_time = items && items->date_time;
  return field;
}

std::optional<Field> find_field(const Node& root, std::string_view dotted_path) { return Search{dotted_path}.run(root); }

bool may_have(const Node& root, std::string_view dotted_path) { return Possible{dotted_path}.run(root); }

std::vector<std::string> find_date_times(const Node& root) {
  DateTimes dates;
  dates.walk(root, "");
  const auto paths = dates.take();
  return {paths.begin(), paths.end()};
}

}  // namespace nacre::schema
