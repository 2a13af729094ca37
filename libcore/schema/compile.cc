#include "schema/compile.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "json/pointer.h"
#include "schema/place.h"

namespace nacre::schema {
namespace {

constexpr std::size_t kMaxSchemaDepth = 64;
// A validator nests one step deeper for each schema that judges the same value as the one before it.
constexpr std::size_t kMaxInPlace = 16;

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 7> kTypeNames{{{"null", kNull},
                                                                               {"boolean", kBoolean},
                                                                               {"integer", kInteger},
                                                                               {"number", kNumber | kInteger},
                                                                               {"string", kString},
                                                                               {"array", kArray},
                                                                               {"object", kObject}}};

class Compiler {
 public:
  explicit Compiler(const Json& schema) : schema_(schema) {}

  Graph compile() {
    graph_.root = node({&schema_, ""});
    refuse_loops();
    return std::move(graph_);
  }

 private:
  using Reader = void (Compiler::*)(Node&, const Place&);
  struct Keyword {
    std::string_view name;
    Reader read;
  };

  /// The node of a schema, made when it is first asked for.
  const Node* node(const Place& at);
  const Node* referred(const Place& reference);
  void read_keywords(Node& node, const Place& at);
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
  void check_string(Node&, const Place& at) { at.string(); }
  void check_boolean(Node&, const Place& at) { at.boolean(); }
  void check_array(Node&, const Place& at) { at.array(); }
  void accept(Node&, const Place&) {}

  static std::span<const Keyword> keywords();

  const Json& schema_;
  Graph graph_;
  std::map<std::string, const Node*, std::less<>> known_;  ///< by pointer
  std::size_t depth_ = 0;
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
      {"exclusiveMinimum", &Compiler::read_number<&Node::exclusive_minimum>},
      {"exclusiveMaximum", &Compiler::read_number<&Node::exclusive_maximum>},
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
  if (const auto found = known_.find(at.pointer); found != known_.end()) return found->second;
  if (const auto* object = at.value->if_object()) {
    // Draft 7 (core §8.3): what stands beside $ref is ignored.
    if (const Json* reference = object->if_contains("$ref")) return referred({reference, below(at.pointer, "$ref")});
  } else if (!at.value->is_bool()) {
    at.refuse("must be a schema: an object, true or false");
  }
  if (depth_ == kMaxSchemaDepth) at.refuse("is nested too deep");
  Node& made = graph_.nodes.emplace_back();
  known_.emplace(at.pointer, &made);
  ++depth_;
  if (at.value->is_bool()) {
    made.never = !at.value->get_bool();
    made.anything = at.value->get_bool();
  } else {
    made.anything = at.object().empty();
    read_keywords(made, at);
  }
  --depth_;
  return &made;
}

const Node* Compiler::referred(const Place& reference) {
  Place at = reference;
  for (std::size_t hops = 0; hops < kMaxSchemaDepth; ++hops) {
    const auto pointer = fragment_pointer(at.string());
    const auto tokens = pointer ? parse_pointer(*pointer) : std::nullopt;
    if (!tokens) at.refuse("must refer to a place in this schema: \"#\" or \"#/...\"");
    const Json* target = &schema_;
    for (std::size_t i = 0; i < tokens->size() && target != nullptr; ++i) target = child(*target, (*tokens)[i]);
    if (target == nullptr) at.refuse("refers to a place that does not exist");
    const auto* object = target->if_object();
    const Json* next = object == nullptr ? nullptr : object->if_contains("$ref");
    if (next == nullptr) return node({target, *pointer});
    at = {next, below(*pointer, "$ref")};
  }
  reference.refuse("refers to itself");
}

void Compiler::read_keywords(Node& node, const Place& at) {
  const JsonObject& schema = at.object();
  for (const auto& member : schema) {
    const std::string_view name = member.key();
    const bool known = std::any_of(keywords().begin(), keywords().end(), [name](const Keyword& k) { return k.name == name; });
    if (!known && !name.starts_with("x-")) {
      Place{&member.value(), below(at.pointer, name)}.refuse(
          "is not a keyword of JSON Schema draft 7; a keyword of one's own begins with x-");
    }
  }
  for (const Keyword& keyword : keywords()) {
    const Json* value = schema.if_contains(keyword.name);
    if (value != nullptr) (this->*keyword.read)(node, {value, below(at.pointer, keyword.name)});
  }
}

std::vector<const Node*> Compiler::nodes(const Place& at) {
  if (at.array().empty()) at.refuse("must have at least one schema");
  std::vector<const Node*> result;
  for (std::size_t i = 0; i < at.array().size(); ++i) result.push_back(node(at.item(i)));
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
  if (at.array().empty()) at.refuse("must have at least one value");
  node.choices.emplace(at.array().begin(), at.array().end());
}

void Compiler::read_multiple_of(Node& node, const Place& at) {
  if (at.number().to_number<double>() <= 0) at.refuse("must be greater than 0");
  node.multiple_of = *at.value;
}

void Compiler::read_pattern(Node& node, const Place& at) { node.pattern = schema::read_pattern(at, at.string()); }

void Compiler::read_format(Node& node, const Place& at) {
  const auto format = format_named(at.string());
  if (!format) at.refuse("must be one of " + format_names());
  node.format = *format;
  graph_.has_dates = graph_.has_dates || format == Format::date_time;
}

void Compiler::read_items(Node& target, const Place& at) {
  if (at.value->is_array()) {
    target.tuple = nodes(at);
  } else {
    target.further = node(at);
  }
}

/// Has no effect without a list of `items` (draft 7 §6.4.2), which is read before it.
void Compiler::read_additional_items(Node& target, const Place& at) {
  const Node* further = node(at);
  if (!target.tuple.empty()) target.further = further;
}

void Compiler::read_properties(Node& target, const Place& at) {
  for (const auto& [name, schema] : at.members()) {
    if (name.starts_with('_') || name.starts_with('$'))
      schema.refuse("is a name that begins with _ or $, which documents can't have");
    if (name.find_first_of(std::string_view{".\0", 2}) != std::string::npos) {
      schema.refuse("is a name with . or NUL in it, which documents can't have");
    }
    target.properties.push_back({name, node(schema)});
  }
  std::sort(target.properties.begin(), target.properties.end(),
            [](const Property& a, const Property& b) { return a.name < b.name; });
}

void Compiler::read_pattern_properties(Node& target, const Place& at) {
  for (const auto& [name, schema_at] : at.members())
    target.patterns.push_back({schema::read_pattern(schema_at, name), node(schema_at)});
}

void Compiler::read_dependencies(Node& target, const Place& at) {
  for (const auto& [name, dependent] : at.members()) {
    Dependency dependency;
    dependency.name = name;
    if (dependent.value->is_array()) {
      dependency.required = dependent.strings();
    } else {
      dependency.node = node(dependent);
    }
    target.dependencies.push_back(std::move(dependency));
  }
}

/// Compiled even where nothing refers to it, so that a mistake is found.
void Compiler::read_definitions(Node&, const Place& at) {
  for (const auto& member : at.members()) node(member.second);
}

void Compiler::read_dialect(Node&, const Place& at) {
  std::string dialect = at.string();
  if (dialect.ends_with('#')) dialect.pop_back();
  if (dialect != "http://json-schema.org/draft-07/schema" && dialect != "https://json-schema.org/draft-07/schema") {
    at.refuse("must be http://json-schema.org/draft-07/schema#");
  }
}

void Compiler::refuse_loops() const {
  std::map<const Node*, std::size_t> depths;
  for (const auto& [pointer, node] : known_) {
    if (in_place_depth(*node, depths) > kMaxInPlace)
      throw Mistake{pointer, "refers back to itself for the same value, or through too many others"};
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

Result<Graph> compile_graph(const Json& schema) {
  try {
    return Compiler{schema}.compile();
  } catch (const Mistake& mistake) {
    Failure failure{Error::unprocessable, "schema: \"" + mistake.pointer + "\" " + mistake.detail};
    failure.errors.push_back({mistake.pointer, mistake.detail});
    return failure;
  }
}

}  // namespace nacre::schema
