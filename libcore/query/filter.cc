#include "query/filter.h"

#include <algorithm>
#include <array>
#include <compare>
#include <numeric>
#include <optional>

#include "json/compare.h"
#include "json/parse.h"
#include "query/operand.h"

namespace nacre::query {
namespace {

using Kind = Filter::Kind;

struct Operator {
  std::string_view name;
  Kind kind;
};

constexpr std::array<Operator, 3> kGroups{{{"$and", Kind::conjunction}, {"$or", Kind::disjunction}, {"$nor", Kind::nor}}};

constexpr std::array<Operator, 14> kOperators{{{"$eq", Kind::eq},
                                               {"$ne", Kind::ne},
                                               {"$gt", Kind::gt},
                                               {"$gte", Kind::gte},
                                               {"$lt", Kind::lt},
                                               {"$lte", Kind::lte},
                                               {"$in", Kind::in},
                                               {"$nin", Kind::nin},
                                               {"$all", Kind::all},
                                               {"$exists", Kind::exists},
                                               {"$size", Kind::size},
                                               {"$not", Kind::negation},
                                               {"$elemMatch", Kind::elem_match},
                                               {"$regex", Kind::prefix}}};

template <std::size_t N>
std::optional<Kind> find_operator(const std::array<Operator, N>& operators, std::string_view name) {
  for (const auto& candidate : operators) {
    if (candidate.name == name) return candidate.kind;
  }
  return std::nullopt;
}

Filter group(Kind kind, std::vector<Filter> children) {
  if (kind == Kind::conjunction && children.empty()) return {};
  if (kind != Kind::nor && children.size() == 1) return std::move(children.front());
  return {.kind = kind, .children = std::move(children)};
}

/// The literal that a pattern anchored at the start demands; nullopt when it is any other pattern.
std::optional<std::string> literal_prefix(std::string_view pattern) {
  if (!pattern.starts_with('^')) return std::nullopt;
  std::string literal;
  for (std::size_t i = 1; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '\\') {
      if (++i == pattern.size()) return std::nullopt;
      c = pattern[i];
      const bool punctuation =
          (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
      if (!punctuation) return std::nullopt;
    } else if (std::string_view(".*+?()[]{}|^$").find(c) != std::string_view::npos) {
      return std::nullopt;
    }
    literal += c;
  }
  return literal;
}

/// A list holds each value once, in the order of their first coming.
void keep_different(std::vector<Json>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::is_lt(compare_json(values[a], values[b])); });
  const auto equal = [&](std::size_t a, std::size_t b) { return std::is_eq(compare_json(values[a], values[b])); };
  order.erase(std::unique(order.begin(), order.end(), equal), order.end());
  std::sort(order.begin(), order.end());
  std::vector<Json> different;
  different.reserve(order.size());
  for (const std::size_t i : order) different.push_back(std::move(values[i]));
  values = std::move(different);
}

/// No less than what any store makes of a condition (kMaxCompiled).
std::size_t compiled_size(const Filter& filter) {
  constexpr std::size_t kStep = 250;   // where a name may be that of an array
  constexpr std::size_t kCopies = 12;  // of a path in one condition
  constexpr std::size_t kValue = 200;  // and the operators around it
  const std::string& path = filter.field.path;
  const auto names = static_cast<std::size_t>(1 + std::count(path.begin(), path.end(), '.'));
  const std::size_t copies = filter.kind == Kind::all ? filter.values.size() : 1;
  return copies * (names * kStep + path.size() * kCopies + kValue);
}

/// Builds the tree. It keeps the place where it is for messages, and counts what the limits are on.
class Parser {
 public:
  explicit Parser(const schema::Schema& schema) : schema_(schema) {}

  Result<Filter> document(const Json& value) {
    if (!value.is_object()) return failure("must be an object");
    if (value.get_object().empty() && ++conditions_ > kMaxConditions) return too_many();
    std::vector<Filter> conditions;
    for (const auto& member : value.get_object()) {
      const Step step(*this, member.key());
      auto condition =
          member.key().starts_with('$') ? logical(member.key(), member.value()) : named(member.key(), member.value());
      if (!condition) return condition;
      conditions.push_back(std::move(*condition));
    }
    return group(Kind::conjunction, std::move(conditions));
  }

 private:
  /// One step down in the client's JSON, for the time of a scope.
  class Step {
   public:
    Step(Parser& parser, std::string_view name) : parser_(parser), length_(parser.place_.size()) {
      parser.place_.append(".").append(shown(name));
    }
    Step(Parser& parser, std::size_t index) : parser_(parser), length_(parser.place_.size()) {
      parser.place_.append("[").append(std::to_string(index)).append("]");
    }
    ~Step() { parser_.place_.resize(length_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Parser& parser_;
    std::size_t length_;
  };

  /// One level deeper, for the time of a scope.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    bool allowed() const { return parser_.depth_ <= kMaxDepth; }

   private:
    Parser& parser_;
  };

  Failure failure(std::string_view why) const { return {Error::bad_request, "where: " + place_ + ": " + std::string(why)}; }
  Failure too_deep() const { return failure("conditions may be " + std::to_string(kMaxDepth) + " deep at most"); }

  Failure too_many() const { return failure("at most " + std::to_string(kMaxConditions) + " conditions are allowed"); }

  Result<Filter> logical(std::string_view name, const Json& value) {
    const auto kind = find_operator(kGroups, name);
    if (!kind) return failure("no such operator here; $and, $or, $nor or a field is allowed");
    const Level level(*this);
    if (!level.allowed()) return too_deep();
    if (!value.is_array() || value.get_array().empty()) return failure("must be an array of at least one condition");
    std::vector<Filter> children;
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      const Step step(*this, i);
      auto child = document(value.get_array()[i]);
      if (!child) return child;
      children.push_back(std::move(*child));
    }
    return group(*kind, std::move(children));
  }

  Result<Filter> named(std::string_view path, const Json& value) {
    auto field = resolve(path);
    if (!field) return field.error();
    return conditions(*field, value);
  }

  /// A path, which inside $elemMatch is below the array's element.
  Result<FieldRef> resolve(std::string_view path) {
    if (base_.empty()) {
      auto field = find_field(path, schema_, "");
      if (!field) return failure("there is no such field");
      return field;
    }
    auto field = find_field(base_ + "." + std::string(path), schema_, "");
    if (!field) return failure("the elements have no such field");
    bool through_array = false;
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
      const auto parent = schema_.field(base_ + "." + std::string(path.substr(0, dot)));
      through_array = through_array || (parent && (parent->types & schema::kArray) != 0);
    }
    field->path = path;
    field->field.through_array = through_array;
    return field;
  }

  /// The value beside a field's name: one to be equal to, or an object of operators.
  Result<Filter> conditions(const FieldRef& field, const Json& value) {
    if (!value.is_object() || value.get_object().empty() || !value.get_object().begin()->key().starts_with('$')) {
      return comparison(Kind::eq, field, value);
    }
    std::vector<Filter> all;
    for (const auto& member : value.get_object()) {
      const Step step(*this, member.key());
      auto one = condition(member.key(), field, member.value());
      if (!one) return one;
      all.push_back(std::move(*one));
    }
    return group(Kind::conjunction, std::move(all));
  }

  Result<Filter> condition(std::string_view name, const FieldRef& field, const Json& value) {
    const auto kind = find_operator(kOperators, name);
    if (!kind) return failure(name == "$options" ? "no options are allowed" : "no such operator");
    switch (*kind) {
      case Kind::negation:
        return negation(field, value);
      case Kind::in:
      case Kind::nin:
      case Kind::all:
        return list(*kind, field, value);
      case Kind::exists:
        if (field.path.empty()) return failure("an element always exists");
        if (!value.is_bool()) return failure("must be true or false");
        return leaf(*kind, field, {value});
      case Kind::size:
        return size(field, value);
      case Kind::elem_match:
        return elem_match(field, value);
      case Kind::prefix:
        return prefix(field, value);
      default:
        return comparison(*kind, field, value);
    }
  }

  Result<Filter> leaf(Kind kind, const FieldRef& field, std::vector<Json> values) {
    if (++conditions_ > kMaxConditions) return too_many();
    Filter filter{.kind = kind, .field = field, .values = std::move(values)};
    compiled_ += compiled_size(filter);
    if (compiled_ > kMaxCompiled) return failure("all conditions together are too complex");
    return filter;
  }

  Result<Filter> comparison(Kind kind, const FieldRef& field, const Json& value) {
    auto operand = check_operand(value, field.field);
    if (!operand) return failure(operand.error().detail);
    if (operand->is_null()) {  // null is of one value: at least null is null, and nothing is beyond it
      if (kind == Kind::gte || kind == Kind::lte) kind = Kind::eq;
      if (kind == Kind::gt || kind == Kind::lt) return leaf(Kind::in, field, {});
    }
    return leaf(kind, field, {std::move(*operand)});
  }

  Result<Filter> list(Kind kind, const FieldRef& field, const Json& value) {
    if (!value.is_array()) return failure("must be an array");
    if (value.get_array().size() > kMaxList) return failure("at most " + std::to_string(kMaxList) + " values are allowed");
    std::vector<Json> values;
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      const Step step(*this, i);
      auto operand = check_operand(value.get_array()[i], field.field);
      if (!operand) return failure(operand.error().detail);
      values.push_back(std::move(*operand));
    }
    keep_different(values);
    if (kind == Kind::all && values.size() > kMaxAll) {
      return failure("at most " + std::to_string(kMaxAll) + " different values are allowed");
    }
    return leaf(kind, field, std::move(values));
  }

  Result<Filter> negation(const FieldRef& field, const Json& value) {
    const Level level(*this);
    if (!level.allowed()) return too_deep();
    if (!value.is_object() || value.get_object().empty() || !value.get_object().begin()->key().starts_with('$')) {
      return failure("must be an object of operators");
    }
    auto child = conditions(field, value);
    if (!child) return child;
    return Filter{.kind = Kind::negation, .field = field, .children = {std::move(*child)}};
  }

  Result<Filter> size(const FieldRef& field, const Json& value) {
    boost::system::error_code no_integer;  // 2.0 is one
    const std::int64_t count = value.is_number() ? value.to_number<std::int64_t>(no_integer) : -1;
    if (no_integer || count < 0) return failure("must be an integer from 0");
    return leaf(Kind::size, field, {count});
  }

  Result<Filter> elem_match(const FieldRef& field, const Json& value) {
    const Level level(*this);
    if (!level.allowed()) return too_deep();
    if (!value.is_object() || value.get_object().empty()) return failure("must be an object of at least one condition");
    if (field.path.empty() || (field.field.types & schema::kArray) == 0) return failure("this is not an array");
    const auto first = value.get_object().begin()->key();
    const bool of_element = first.starts_with('$') && !find_operator(kGroups, first);
    auto child = of_element ? conditions(element_of(field), value) : below(field, value);
    if (!child) return child;
    auto match = leaf(Kind::elem_match, field, {});
    if (match) match->children.push_back(std::move(*child));
    return match;
  }

  static FieldRef element_of(const FieldRef& array) {
    return {.field = {.types = array.field.item_types, .date_time = array.field.item_date_time}};
  }

  Result<Filter> below(const FieldRef& array, const Json& value) {
    const std::string outer = base_;
    base_ = outer.empty() ? array.path : outer + "." + array.path;
    auto child = document(value);
    base_ = outer;
    return child;
  }

  Result<Filter> prefix(const FieldRef& field, const Json& value) {
    if (field.field.date_time || field.field.item_date_time)
      return failure("a date is not a string; compare it with $gte and $lt");
    if (!value.is_string()) return failure("must be a string");
    auto literal = literal_prefix(std::string_view(value.get_string()));
    if (!literal) return failure("must be ^ and a literal prefix, such as \"^abc\" or \"^a\\\\.b\"");
    return comparison(Kind::prefix, field, Json(*literal));
  }

  const schema::Schema& schema_;
  std::string place_ = "$";
  std::string base_;  // the array whose elements the paths are below
  int depth_ = 0;
  int conditions_ = 0;
  std::size_t compiled_ = 0;
};

}  // namespace

Result<Filter> parse_filter(const Json& where, const schema::Schema& schema) { return Parser(schema).document(where); }

Result<Filter> parse_filter(std::string_view text, const schema::Schema& schema) {
  const auto where = parse_json(text);
  if (!where) return Failure(Error::bad_request, "where: " + where.error().detail);
  return parse_filter(*where, schema);
}

}  // namespace nacre::query
