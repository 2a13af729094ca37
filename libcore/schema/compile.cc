#include "schema/compile.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "json/write.h"
#include "schema/misspelt.h"
#include "schema/place.h"

namespace nacre::schema {
namespace {

constexpr std::size_t kMaxHops = 64;
// A validator nests one step deeper for each schema that judges the same value as the one before it.
constexpr std::size_t kMaxInPlace = 32;

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 7> kTypeNames{{{"null", kNull},
                                                                               {"boolean", kBoolean},
                                                                               {"integer", kInteger},
                                                                               {"number", kNumber | kInteger},
                                                                               {"string", kString},
                                                                               {"array", kArray},
                                                                               {"object", kObject}}};

/// A text of the schema in a message, cut when long.
std::string quoted(const Json& text) {
  constexpr std::size_t kShown = 60;
  const std::string whole(text.get_string());
  return json_text(Json(whole.size() <= kShown ? whole : "…"));
}

class Compiler {
 public:
  Compiler(Documents& documents, Report& report) : documents_(documents), report_(report) {}

  Graph compile() {
    const Document& root = documents_.root();
    attempt([&] { graph_.root = node({&root.json, "", &root}); });
    for (; !waiting_.empty(); waiting_.pop_front()) read_keywords(*waiting_.front().first, waiting_.front().second);
    if (report_.mistakes.empty()) attempt([&] { refuse_loops(); });
    tell_warnings();
    return std::move(graph_);
  }

 private:
  using Reader = void (Compiler::*)(Node&, const Place&);
  struct Keyword {
    std::string_view name;
    Reader read;
  };

  /// Keeps the mistake that `read` throws; what stands beside it is read all the same.
  template <class Read>
  void attempt(const Read& read) {
    try {
      read();
    } catch (const Mistake& mistake) {
      report_.mistakes.push_back({mistake.place, mistake.detail});
    }
  }

  /// The node of a schema, made when it is first asked for, and filled in later: schemas may refer to each other as they like.
  const Node* node(const Place& at);
  const Node* referred(const Place& reference);
  void read_keywords(Node& node, const Place& at);
  void judge_unknown(const Place& at, std::string_view name);
  void judge_required(const Node& node, const Place& at);
  void warn(const Place& at, const std::string& detail);
  void tell_warnings();
  std::vector<const Node*> nodes(const Place& at);
  void refuse_loops() const;
  std::size_t in_place_depth(const Node& node, std::map<const Node*, std::size_t>& depths) const;

  void read_type(Node& node, const Place& at);
  void read_enum(Node& node, const Place& at);
  void read_multiple_of(Node& node, const Place& at);
  void read_pattern(Node& node, const Place& at);
  void read_format(Node& node, const Place& at);
  void read_items(Node& node, const Place& at);
  void read_additional_items(Node& node, const Place& at);
  void read_properties(Node& node, const Place& at);
  void read_pattern_properties(Node& node, const Place& at);
  void read_dependencies(Node& node, const Place& at);
  void read_definitions(Node& node, const Place& at);
  void read_dialect(Node& node, const Place& at);

  template <auto Member>
  void read_node(Node& target, const Place& at) {
    target.*Member = node(at);
  }
  template <auto Member>
  void read_nodes(Node& target, const Place& at) {
    if (at.array().empty()) at.refuse("must have at least one schema");
    target.*Member = nodes(at);
  }
  template <auto Member>
  void read_number(Node& target, const Place& at) {
    target.*Member = at.number();
  }
  template <auto Member>
  void read_least(Node& target, const Place& at) {
    (target.*Member).least = at.count();
  }
  template <auto Member>
  void read_most(Node& target, const Place& at) {
    (target.*Member).most = at.count();
  }
  void read_constant(Node& target, const Place& at) { target.constant = *at.value; }
  void read_unique(Node& target, const Place& at) { target.unique = at.boolean(); }
  void read_required(Node& target, const Place& at) { target.required = at.strings(); }
  template <auto Member>
  void read_exclusive(Node& target, const Place& at) {
    if (at.value->is_bool()) at.refuse("must be a number; true or false is what draft 4 had, beside minimum and maximum");
    target.*Member = at.number();
  }
  void check_string(Node&, const Place& at) { at.string(); }
  void check_boolean(Node&, const Place& at) { at.boolean(); }
  void check_array(Node&, const Place& at) { at.array(); }
  void accept(Node&, const Place&) {}

  static std::span<const Keyword> keywords();

  struct Warning {
    Place at;
    std::size_t more = 0;  ///< places after the first
  };

  Documents& documents_;
  Report& report_;
  Graph graph_;
  std::map<Location, const Node*> known_;
  std::deque<std::pair<Node*, Place>> waiting_;
  bool has_tuple_ = false;                   ///< the schema that is being read has a list of `items`
  std::map<std::string, Warning> warnings_;  ///< by what is said
};

/// In the order in which they are read.
std::span<const Compiler::Keyword> Compiler::keywords() {
  static constexpr std::array<Keyword, 46> kKeywords{{
      {"type", &Compiler::read_type},
      {"enum", &Compiler::read_enum},
      {"const", &Compiler::read_constant},
      {"multipleOf", &Compiler::read_multiple_of},
      {"minimum", &Compiler::read_number<&Node::minimum>},
      {"maximum", &Compiler::read_number<&Node::maximum>},
      {"exclusiveMinimum", &Compiler::read_exclusive<&Node::exclusive_minimum>},
      {"exclusiveMaximum", &Compiler::read_exclusive<&Node::exclusive_maximum>},
      {"minLength", &Compiler::read_least<&Node::length>},
      {"maxLength", &Compiler::read_most<&Node::length>},
      {"pattern", &Compiler::read_pattern},
      {"format", &Compiler::read_format},
      {"items", &Compiler::read_items},
      {"additionalItems", &Compiler::read_additional_items},
      {"minItems", &Compiler::read_least<&Node::items>},
      {"maxItems", &Compiler::read_most<&Node::items>},
      {"uniqueItems", &Compiler::read_unique},
      {"contains", &Compiler::read_node<&Node::contains>},
      {"minProperties", &Compiler::read_least<&Node::members>},
      {"maxProperties", &Compiler::read_most<&Node::members>},
      {"required", &Compiler::read_required},
      {"properties", &Compiler::read_properties},
      {"patternProperties", &Compiler::read_pattern_properties},
      {"additionalProperties", &Compiler::read_node<&Node::additional>},
      {"propertyNames", &Compiler::read_node<&Node::names>},
      {"dependencies", &Compiler::read_dependencies},
      {"allOf", &Compiler::read_nodes<&Node::all_of>},
      {"anyOf", &Compiler::read_nodes<&Node::any_of>},
      {"oneOf", &Compiler::read_nodes<&Node::one_of>},
      {"not", &Compiler::read_node<&Node::negated>},
      {"if", &Compiler::read_node<&Node::condition>},
      {"then", &Compiler::read_node<&Node::then>},
      {"else", &Compiler::read_node<&Node::otherwise>},
      {"definitions", &Compiler::read_definitions},
      {"$schema", &Compiler::read_dialect},
      {"$id", &Compiler::check_string},
      {"$comment", &Compiler::check_string},
      {"title", &Compiler::check_string},
      {"description", &Compiler::check_string},
      {"contentEncoding", &Compiler::check_string},
      {"contentMediaType", &Compiler::check_string},
      {"readOnly", &Compiler::check_boolean},
      {"writeOnly", &Compiler::check_boolean},
      {"default", &Compiler::accept},
      {"examples", &Compiler::check_array},
      {"$ref", &Compiler::accept},
  }};
  return kKeywords;
}

const Node* Compiler::node(const Place& at) {
  if (const auto found = known_.find(at.location()); found != known_.end()) return found->second;
  if (const auto* object = at.value->if_object()) {
    // Draft 7 (core §8.3): what stands beside $ref is ignored.
    if (object->contains("$ref")) return referred(at);
  } else if (!at.value->is_bool()) {
    at.refuse("must be a schema: an object, true or false");
  }
  Node& made = graph_.nodes.emplace_back();
  known_.emplace(at.location(), &made);
  if (at.value->is_bool()) {
    made.never = !at.value->get_bool();
    made.anything = at.value->get_bool();
  } else {
    made.anything = at.object().empty();
    waiting_.emplace_back(&made, at);
  }
  return &made;
}

const Node* Compiler::referred(const Place& schema) {
  Place from = schema;
  for (std::size_t hops = 0; hops < kMaxHops; ++hops) {
    const auto reference = from.member("$ref");
    const auto found = documents_.find(from.location(), reference.string());
    if (!found) reference.refuse(found.error().detail);
    report_.references.push_back({from.location(), *found});
    const Place target{value_at(found->document->json, found->pointer), found->pointer, found->document};
    const auto* object = target.value->if_object();
    if (object == nullptr || !object->contains("$ref")) return node(target);
    from = target;
  }
  schema.member("$ref").refuse("refers to itself");
}

void Compiler::read_keywords(Node& node, const Place& at) {
  const JsonObject& schema = at.object();
  for (const auto& member : schema) attempt([&] { judge_unknown(at, member.key()); });
  const auto* items = schema.if_contains("items");
  has_tuple_ = items != nullptr && items->is_array();
  for (const Keyword& keyword : keywords()) {
    if (schema.contains(keyword.name)) attempt([&] { (this->*keyword.read)(node, at.member(keyword.name)); });
  }
  judge_required(node, at);
}

/// What is required and, by the same schema, not allowed leaves no object valid.
void Compiler::judge_required(const Node& node, const Place& at) {
  if (node.additional == nullptr || !node.additional->never) return;
  for (std::size_t i = 0; i < node.required.size(); ++i) {
    const std::string& name = node.required[i];
    const auto may_match = [&name](const PatternProperty& entry) {
      return entry.pattern.search(name, Pattern::Effort::usual) != Pattern::Found::no;
    };
    if (node.property(name) != nullptr || std::any_of(node.patterns.begin(), node.patterns.end(), may_match)) continue;
    warn(at.member("required").item(i),
         quoted(Json(name)) + " is required, but no property, and additionalProperties is false");
  }
}

void Compiler::judge_unknown(const Place& at, std::string_view name) {
  const auto is_it = [name](const Keyword& keyword) { return keyword.name == name; };
  if (name.starts_with("x-") || std::any_of(keywords().begin(), keywords().end(), is_it)) return;
  static constexpr std::string_view kJudging[] = {"type",
                                                  "enum",
                                                  "const",
                                                  "multipleOf",
                                                  "minimum",
                                                  "maximum",
                                                  "exclusiveMinimum",
                                                  "exclusiveMaximum",
                                                  "minLength",
                                                  "maxLength",
                                                  "pattern",
                                                  "format",
                                                  "items",
                                                  "additionalItems",
                                                  "minItems",
                                                  "maxItems",
                                                  "uniqueItems",
                                                  "contains",
                                                  "minProperties",
                                                  "maxProperties",
                                                  "required",
                                                  "properties",
                                                  "patternProperties",
                                                  "additionalProperties",
                                                  "propertyNames",
                                                  "dependencies",
                                                  "allOf",
                                                  "anyOf",
                                                  "oneOf",
                                                  "not",
                                                  "definitions",
                                                  "$ref"};
  const auto place = at.member(name);
  if (const auto meant = meant_keyword(name, kJudging); !meant.empty()) {
    place.refuse("is not a keyword of JSON Schema draft 7 (did you mean \"" + std::string(meant) +
                 "\"?); a keyword of one's own begins with x-");
  }
  warn(place, "is not a keyword of JSON Schema draft 7, and ignored");
}

/// The same about the same name is said once.
void Compiler::warn(const Place& at, const std::string& detail) {
  const auto name = at.pointer.substr(at.pointer.rfind('/') + 1);
  const auto [found, fresh] = warnings_.try_emplace(name + ' ' + at.document->uri + ' ' + detail, Warning{at});
  if (!fresh) ++found->second.more;
  if (fresh) report_.warnings.push_back({at.location(), detail});
}

void Compiler::tell_warnings() {
  for (auto& [place, detail] : report_.warnings) {
    const auto name = place.pointer.substr(place.pointer.rfind('/') + 1);
    const auto more = warnings_.at(name + ' ' + place.document->uri + ' ' + detail).more;
    if (more > 0) detail += " (here and in " + std::to_string(more) + (more == 1 ? " more place)" : " more places)");
  }
}

std::vector<const Node*> Compiler::nodes(const Place& at) {
  std::vector<const Node*> result;
  for (std::size_t i = 0; i < at.array().size(); ++i) attempt([&] { result.push_back(node(at.item(i))); });
  return result;
}

void Compiler::read_type(Node& node, const Place& at) {
  const auto bits = [](const Place& name) {
    const std::string text = name.string();
    const auto* found =
        std::find_if(kTypeNames.begin(), kTypeNames.end(), [&](const auto& type) { return type.first == text; });
    if (found == kTypeNames.end()) name.refuse("must be null, boolean, integer, number, string, array or object");
    return found->second;
  };
  if (at.value->is_string()) {
    node.types = bits(at);
    return;
  }
  if (!at.value->is_array() || at.array().empty()) at.refuse("must be the name of a type or a list of them");
  node.types = 0;
  for (std::size_t i = 0; i < at.strings().size(); ++i) node.types |= bits(at.item(i));
}

void Compiler::read_enum(Node& node, const Place& at) {
  if (at.array().empty()) warn(at, "has no value, so that nothing is valid");
  node.choices.emplace(at.array().begin(), at.array().end());
}

void Compiler::read_multiple_of(Node& node, const Place& at) {
  if (at.number().to_number<double>() <= 0) at.refuse("must be greater than 0");
  node.multiple_of = *at.value;
}

void Compiler::read_pattern(Node& node, const Place& at) { node.pattern = schema::read_pattern(at, at.string()); }

void Compiler::read_format(Node& node, const Place& at) {
  const auto format = format_named(at.string());
  if (!format) return warn(at, quoted(*at.value) + " is not a format of draft 7, and ignored; known are " + format_names());
  node.format = *format;
}

void Compiler::read_items(Node& target, const Place& at) {
  if (at.value->is_array()) {
    target.tuple = nodes(at);
  } else {
    target.further = node(at);
  }
}

/// Has no effect without a list of `items` (draft 7 §6.4.2).
void Compiler::read_additional_items(Node& target, const Place& at) {
  const Node* further = node(at);
  if (has_tuple_) target.further = further;
}

void Compiler::read_properties(Node& target, const Place& at) {
  for (const auto& [name, schema] : at.members()) {
    if (name.starts_with('_') || name.starts_with('$')) warn(schema, "begins with _ or $, as no field of a document may");
    if (name.find_first_of(std::string_view{".\0", 2}) != std::string::npos)
      warn(schema, "has . or NUL in its name, as no field of a document may");
    attempt([&, &name = name, &schema = schema] { target.properties.push_back({name, node(schema)}); });
  }
  std::sort(target.properties.begin(), target.properties.end(),
            [](const Property& a, const Property& b) { return a.name < b.name; });
}

void Compiler::read_pattern_properties(Node& target, const Place& at) {
  for (const auto& [name, schema_at] : at.members()) {
    attempt([&, &name = name, &schema_at = schema_at] {
      target.patterns.push_back({schema::read_pattern(schema_at, name), node(schema_at)});
    });
  }
}

void Compiler::read_dependencies(Node& target, const Place& at) {
  for (const auto& [name, dependent] : at.members()) {
    attempt([&, &name = name, &dependent = dependent] {
      Dependency dependency;
      dependency.name = name;
      if (dependent.value->is_array()) {
        dependency.required = dependent.strings();
      } else {
        dependency.node = node(dependent);
      }
      target.dependencies.push_back(std::move(dependency));
    });
  }
}

/// Compiled even where nothing refers to it, so that a mistake is found.
void Compiler::read_definitions(Node&, const Place& at) {
  for (const auto& member : at.members()) attempt([&] { node(member.second); });
}

void Compiler::read_dialect(Node&, const Place& at) {
  std::string dialect = at.string();
  if (dialect.ends_with('#')) dialect.pop_back();
  if (dialect == "http://json-schema.org/draft-07/schema" || dialect == "https://json-schema.org/draft-07/schema") return;
  warn(at, quoted(*at.value) + " is read as draft 7, http://json-schema.org/draft-07/schema#");
}

void Compiler::refuse_loops() const {
  std::map<const Node*, std::size_t> depths;
  for (const auto& [place, node] : known_) {
    if (in_place_depth(*node, depths) > kMaxInPlace)
      throw Mistake{place, "refers back to itself for the same value, or through too many others"};
  }
}

/// How many schemas in a row judge the same value. A node that is being looked at counts as too deep, which makes loops so.
std::size_t Compiler::in_place_depth(const Node& node, std::map<const Node*, std::size_t>& depths) const {
  const auto [known, fresh] = depths.emplace(&node, kMaxInPlace + 1);
  if (!fresh) return known->second;
  std::size_t deepest = 0;
  for (const Node* next : node.in_place()) deepest = std::max(deepest, in_place_depth(*next, depths));
  return known->second = std::min(deepest, kMaxInPlace) + 1;
}

}  // namespace

Graph compile_graph(Documents& documents, Report& report) { return Compiler{documents, report}.compile(); }

Failure failure_of(const std::vector<Remark>& mistakes) {
  Failure failure{Error::unprocessable, "schema"};
  for (const auto& [place, detail] : mistakes) {
    if (failure.errors.empty()) failure.detail = "schema: \"" + place.pointer + "\" " + detail;
    failure.errors.push_back({place.pointer, detail});
  }
  return failure;
}

}  // namespace nacre::schema
