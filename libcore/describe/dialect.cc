#include "describe/dialect.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/ascii.h"
#include "describe/components.h"
#include "json/pointer.h"
#include "schema/format.h"
#include "schema/pattern.h"
#include "schema/place.h"
#include "schema/resolve.h"

namespace nacre::describe {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

/// Keywords whose meaning and form are the same in both dialects. `readOnly` and `writeOnly` are not among them: OpenAPI lets
/// them decide what is required, draft 7 doesn't.
constexpr std::array<std::string_view, 24> kSame{
    "type",      "enum",      "const",    "multipleOf", "minimum",     "maximum",     "exclusiveMinimum", "exclusiveMaximum",
    "minLength", "maxLength", "pattern",  "minItems",   "maxItems",    "uniqueItems", "minProperties",    "maxProperties",
    "required",  "title",     "$comment", "default",    "description", "examples",    "contentEncoding",  "contentMediaType"};

/// Keywords that say nothing of a value.
constexpr std::array<std::string_view, 5> kRemarks{"title", "description", "$comment", "default", "examples"};

template <class List>
bool holds(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}
bool holds(const JsonArray& list, std::string_view name) {
  return std::find(list.begin(), list.end(), Json(name)) != list.end();
}

bool has_type(const JsonObject& schema, std::string_view name) {
  const auto* type = schema.if_contains("type");
  if (type == nullptr) return true;
  if (type->is_string()) return type->get_string() == name;
  return holds(type->get_array(), name);
}

bool is_below(const Json* bound, std::int64_t limit) {
  return bound == nullptr || bound->to_number<double>() < static_cast<double>(limit);
}
bool is_above(const Json* bound, std::int64_t limit) {
  return bound == nullptr || bound->to_number<double>() > static_cast<double>(limit);
}

/// `enum` or `const`, none of whose values is an object or array.
bool has_scalar_choices(const JsonObject& schema) {
  const auto* choices = schema.if_contains("enum");
  const auto* constant = schema.if_contains("const");
  const auto is_structured = [](const Json& value) { return value.is_structured(); };
  if (constant != nullptr) return !is_structured(*constant);
  return choices != nullptr && std::none_of(choices->get_array().begin(), choices->get_array().end(), is_structured);
}

void bound_integers(JsonObject& schema) {
  if (!schema.contains("type") || !has_type(schema, "integer") || has_type(schema, "number")) return;
  if (is_below(schema.if_contains("minimum"), kLeast) && is_below(schema.if_contains("exclusiveMinimum"), kLeast)) {
    schema["minimum"] = kLeast;
  }
  if (is_above(schema.if_contains("maximum"), kMost) && is_above(schema.if_contains("exclusiveMaximum"), kMost)) {
    schema["maximum"] = kMost;
  }
  if (!schema.contains("format")) schema["format"] = "int64";
}

JsonArray names_of(const JsonObject& members) {
  JsonArray names;
  for (const auto& member : members) names.emplace_back(member.key());
  return names;
}

/// `pattern` for names that don't begin with `_`, where it would match one of the server's.
std::string sparing(std::string_view pattern, const ServerMembers& members) {
  const auto compiled = schema::Pattern::compile(pattern);
  const bool matches = compiled && std::any_of(members.schemas.begin(), members.schemas.end(), [&](const auto& member) {
                         return compiled->search(member.key(), schema::Pattern::Effort::great) != schema::Pattern::Found::no;
                       });
  return matches ? "^(?!_)[\\s\\S]*?(?:" + std::string(pattern) + ")" : std::string(pattern);
}

Json any_of(Json a, Json b) { return JsonObject{{"anyOf", JsonArray{std::move(a), std::move(b)}}}; }
Json all_of(Json a, Json b) { return JsonObject{{"allOf", JsonArray{std::move(a), std::move(b)}}}; }

}  // namespace

Referred referred(const Json& root, const JsonObject& reference) {
  Referred found{"", &root};
  for (const auto* next = &reference; next != nullptr;) {  // compiled, so that there are no circles
    const auto uri = std::string_view(next->at("$ref").as_string());
    found = {schema::percent_decoded(uri.substr(1)).value_or(""), &root};
    const auto tokens = parse_pointer(found.pointer).value_or(std::vector<std::string>{});
    for (const auto& token : tokens) found.schema = schema::child(*found.schema, token);
    const auto* object = found.schema->if_object();
    next = object != nullptr && object->contains("$ref") ? object : nullptr;
  }
  return found;
}

Dialect::Dialect(std::string_view resource, const Json& root, JsonObject& components)
    : resource_(resource), root_(root), components_(components) {}

Json Dialect::document(const ServerMembers& members) { return translate(root_, {true, false, &members}); }
Json Dialect::merge_patch(const ServerMembers& members) { return translate(root_, {true, true, &members}); }

Json Dialect::translate(const Json& schema, const Role& role) {
  if (schema.is_bool() && !schema.get_bool()) return false;
  static const JsonObject anything;
  const JsonObject& source = schema.is_object() ? schema.get_object() : anything;
  if (source.contains("$ref")) return translate_reference(source, role);
  JsonObject result;
  for (const auto& [name, value] : source) translate_keyword(name, value, role, result);
  translate_items(source, role, result);
  bound_integers(result);
  if (role.members != nullptr) add_members(role, result);
  if (role.whole) add_rules_of_values(role, result);
  return role.patch && role.whole ? patched(source, role, std::move(result)) : Json(std::move(result));
}

Json Dialect::translate_reference(const JsonObject& schema, const Role& role) {
  const auto [pointer, target] = referred(root_, schema);
  const auto name = component_name(pointer, role);
  if (!components_.contains(name)) {
    components_[name] = nullptr;  // may refer to itself
    auto translated = translate(*target, role);
    components_[name] = std::move(translated);
  }
  auto result = reference("schemas", name);
  for (const auto* remark : {"title", "description"}) {
    if (const auto* text = schema.if_contains(remark)) result[remark] = *text;
  }
  return result;
}

std::string Dialect::component_name(const std::string& pointer, const Role& role) {
  std::string name = resource_;
  if (role.members != nullptr) name.append(".").append(role.members->variant);
  if (role.patch) name += ".patch";
  if (!role.whole) name += ".part";
  const auto made_from = name + pointer;
  if (const auto known = names_.find(made_from); known != names_.end()) return known->second;
  for (const char c : pointer.empty() ? std::string_view("/self") : std::string_view(pointer)) {
    name += c == '/' ? '.' : is_alnum(c) || c == '-' || c == '_' ? c : '_';
  }
  while (components_.contains(name)) name += '_';
  return names_[made_from] = name;
}

void Dialect::translate_keyword(std::string_view name, const Json& value, const Role& role, JsonObject& result) {
  // Values of the whole document would lack the server's members.
  constexpr std::array<std::string_view, 4> kValues{"enum", "const", "default", "examples"};
  const bool of_document = role.members != nullptr && holds(kValues, name);
  if ((holds(kSame, name) && !of_document) || name.starts_with("x-")) {
    result[name] = value;
  } else if (name == "format") {
    if (schema::format_named(value.as_string())) result[name] = value;
  } else if (name == "not" || name == "if" || name == "then" || name == "else") {
    result[name] = translate(value, role.in_place());
  } else if (name == "allOf" || name == "anyOf" || name == "oneOf") {
    JsonArray parts;
    for (const auto& part : value.as_array()) parts.push_back(translate(part, role.in_place()));
    if (!parts.empty()) result[name] = std::move(parts);
  } else if (name == "contains" || name == "propertyNames") {
    result[name] = translate(value, {});
  } else if (name == "properties") {
    result[name] = translate_members(value, role.child());
  } else if (name == "patternProperties") {
    translate_patterns(value, role, result);
  } else if (name == "additionalProperties") {
    result[name] = translate(value, role.child());
  } else if (name == "dependencies") {
    translate_dependencies(value, role, result);
  }
}

JsonObject Dialect::translate_members(const Json& schemas, const Role& role) {
  JsonObject result;
  for (const auto& [name, schema] : schemas.as_object()) result[name] = translate(schema, role);
  return result;
}

void Dialect::translate_patterns(const Json& schemas, const Role& role, JsonObject& result) {
  JsonObject patterns;
  for (const auto& [pattern, schema] : schemas.as_object()) {
    const auto spared = role.members != nullptr ? sparing(pattern, *role.members) : std::string(pattern);
    patterns[spared] = translate(schema, role.child());
  }
  result["patternProperties"] = std::move(patterns);
}

/// A list of `items` is `prefixItems`, and `additionalItems` are the `items` after it.
void Dialect::translate_items(const JsonObject& schema, const Role& role, JsonObject& result) {
  const auto* items = schema.if_contains("items");
  if (items != nullptr && items->is_array() && !items->get_array().empty()) {
    JsonArray first;
    for (const auto& item : items->get_array()) first.push_back(translate(item, role.child()));
    result["prefixItems"] = std::move(first);
    items = schema.if_contains("additionalItems");
  }
  if (items != nullptr && !items->is_array()) result["items"] = translate(*items, role.child());
}

void Dialect::translate_dependencies(const Json& dependencies, const Role& role, JsonObject& result) {
  JsonObject names;
  JsonObject schemas;
  for (const auto& [name, dependency] : dependencies.as_object()) {
    if (dependency.is_array()) {
      names[name] = dependency;
    } else {
      schemas[name] = translate(dependency, role.in_place());
    }
  }
  if (!names.empty()) result["dependentRequired"] = std::move(names);
  if (!schemas.empty()) result["dependentSchemas"] = std::move(schemas);
}

/// Makes the schema one of the whole document: the server's members have their own schemas, or none in a part of it, and count
/// for nothing else.
void Dialect::add_members(const Role& role, JsonObject& result) {
  const ServerMembers& members = *role.members;
  if (role.whole) result["type"] = "object";
  JsonObject properties = role.whole ? members.schemas : JsonObject{};
  if (!role.whole && (result.contains("additionalProperties") || result.contains("patternProperties"))) {
    for (const auto& member : members.schemas) properties[member.key()] = JsonObject{};
  }
  if (const auto* own = result.if_contains("properties")) {
    for (const auto& [name, schema] : own->get_object()) properties[name] = schema;
  }
  if (!properties.empty()) result["properties"] = std::move(properties);
  if (role.whole && !members.required.empty()) {
    auto required = members.required;
    if (const auto* own = result.if_contains("required")) {
      required.insert(required.end(), own->get_array().begin(), own->get_array().end());
    }
    result["required"] = std::move(required);
  }
  if (!role.whole && result.contains("propertyNames")) {
    result["propertyNames"] = any_of(JsonObject{{"enum", names_of(members.schemas)}}, result["propertyNames"]);
  }
  const std::int64_t count = static_cast<std::int64_t>(members.schemas.size());
  const bool always = members.required.size() == members.schemas.size();
  if (auto* most = result.if_contains("maxProperties")) *most = most->to_number<std::int64_t>() + count;
  if (auto* least = result.if_contains("minProperties"); least != nullptr && always) {
    *least = least->to_number<std::int64_t>() + count;
  }
}

void Dialect::add_rules_of_values(const Role& role, JsonObject& result) {
  if (result.contains("enum") || result.contains("const")) return;
  const bool says_nothing = std::all_of(result.begin(), result.end(), [](const auto& keyword) {
    return holds(kRemarks, keyword.key()) || keyword.key().starts_with("x-");
  });
  if (says_nothing) {
    result["$ref"] = reference("schemas", "Value").at("$ref");
    return;
  }
  if (has_type(result, "array") && !result.contains("items")) result["items"] = reference("schemas", "Value");
  if (has_type(result, "object")) add_rules_of_names(role, result);
}

void Dialect::add_rules_of_names(const Role& role, JsonObject& result) {
  const auto* additional = result.if_contains("additionalProperties");
  const bool closed = additional != nullptr && *additional == Json(false);
  if (additional == nullptr) result["additionalProperties"] = reference("schemas", "Value");
  if (closed && !result.contains("patternProperties") && !result.contains("propertyNames")) return;
  Json names = reference("schemas", "Name");
  if (const auto* own = result.if_contains("propertyNames")) names = all_of(std::move(names), *own);
  if (role.members != nullptr && !role.members->schemas.empty()) {
    names = any_of(JsonObject{{"enum", names_of(role.members->schemas)}}, std::move(names));
  }
  result["propertyNames"] = std::move(names);
}

/// What a patch may hold where `result` judges the outcome: null deletes what need not be there, and members that are left out
/// stay.
Json Dialect::patched(const JsonObject& schema, const Role& role, JsonObject result) {
  if (!has_type(result, "object") || has_scalar_choices(schema)) return result;
  constexpr std::array<std::string_view, 9> kCombined{
      "allOf", "anyOf", "oneOf", "not", "if", "enum", "const", "$ref", "patternProperties"};
  const bool combined =
      std::any_of(kCombined.begin(), kCombined.end(), [&](std::string_view name) { return schema.contains(name); });
  if (combined || result.contains("$ref")) {
    if (role.members == nullptr) return reference("schemas", "Value");
    return JsonObject{{"type", "object"}, {"properties", role.members->schemas}};
  }
  static const JsonArray none;
  const auto* required = schema.if_contains("required");
  const JsonArray& names = required != nullptr ? required->get_array() : none;
  if (auto* properties = result.if_contains("properties")) {
    for (auto& [name, property] : properties->get_object()) {
      const bool is_own = role.members != nullptr && role.members->schemas.contains(name);
      if (!is_own && !holds(names, std::string_view(name))) property = nullable(std::move(property));
    }
  }
  for (const auto* keyword : {"required", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas"}) {
    result.erase(keyword);
  }
  auto& others = result["additionalProperties"];
  others = others == Json(false) ? JsonObject{{"type", "null"}} : nullable(std::move(others));
  return result;
}

JsonObject schemas_of_values() {
  const JsonObject name{{"type", "string"},
                        {"pattern", "^(?![_$])[^.\\u0000]*$"},
                        {"description", "A field's name: it doesn't begin with _ or $ and holds no dot and no NUL"}};
  const JsonObject value{{"description", "Any JSON; an integer that is written without fraction and exponent has 64 bits"},
                         {"propertyNames", reference("schemas", "Name")},
                         {"additionalProperties", reference("schemas", "Value")},
                         {"items", reference("schemas", "Value")}};
  return {{"Name", name}, {"Value", value}};
}

Json nullable(Json schema) {
  if (!schema.is_object()) return schema == Json(false) ? Json(JsonObject{{"type", "null"}}) : schema;
  auto& object = schema.get_object();
  const bool is_plain = object.contains("type") && !object.contains("enum") && !object.contains("const") &&
                        !object.contains("allOf") && !object.contains("anyOf") && !object.contains("oneOf") &&
                        !object.contains("not") && !object.contains("if") && !object.contains("$ref");
  if (!is_plain) {
    const auto* target = object.if_contains("$ref");
    if (target != nullptr && *target == reference("schemas", "Value").at("$ref")) return schema;
    return any_of(std::move(schema), JsonObject{{"type", "null"}});
  }
  if (has_type(object, "null")) return schema;
  auto& type = object["type"];
  JsonArray types = type.is_array() ? type.get_array() : JsonArray{type};
  types.emplace_back("null");
  type = std::move(types);
  return schema;
}

Json partial(const Json& schema) {
  if (!schema.is_object()) return schema;
  JsonObject result = schema.get_object();
  if (!has_type(result, "object") && !has_type(result, "array")) return result;
  constexpr std::array<std::string_view, 16> kOfWholes{"required",
                                                       "minProperties",
                                                       "dependentRequired",
                                                       "dependentSchemas",
                                                       "allOf",
                                                       "anyOf",
                                                       "oneOf",
                                                       "not",
                                                       "if",
                                                       "then",
                                                       "else",
                                                       "$ref",
                                                       "enum",
                                                       "contains",
                                                       "uniqueItems",
                                                       "const"};
  for (const auto name : kOfWholes) result.erase(name);
  for (const auto* keyword : {"properties", "patternProperties"}) {
    if (auto* members = result.if_contains(keyword)) {
      for (auto& member : members->get_object()) member.value() = partial(member.value());
    }
  }
  for (const auto* keyword : {"additionalProperties", "items"}) {
    if (auto* below = result.if_contains(keyword)) *below = partial(*below);
  }
  if (auto* first = result.if_contains("prefixItems")) {
    for (auto& item : first->get_array()) item = partial(item);
  }
  return result;
}

}  // namespace nacre::describe
