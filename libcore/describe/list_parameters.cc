#include "describe/list_parameters.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "describe/components.h"
#include "describe/dialect.h"
#include "query/list_query.h"

namespace nacre::describe {
namespace {

constexpr std::string_view kPrefix = "^\\^(?:[^.*+?()\\[\\]{}|^$\\\\]|\\\\[!-/:-@\\[-`{-~])*$";

constexpr std::string_view kBuiltIn[] = {"_id", "_rev", "_created", "_updated", "_owner"};

/// A field that a list can name, and what is known of it.
struct Named {
  std::string path;
  schema::Field field;
};

/// The dotted paths that a schema names; of a schema below itself, each once.
class NamedPaths {
 public:
  explicit NamedPaths(const Json& root) : root_(root) { walk(root, ""); }

  std::set<std::string> take() { return std::move(paths_); }

 private:
  void walk(const Json& schema, const std::string& path) {
    const auto* object = schema.if_object();
    if (object == nullptr || std::find(above_.begin(), above_.end(), object) != above_.end()) return;
    if (object->contains("$ref")) return walk(*referred(root_, *object).schema, path);
    if (++steps_ > kMaxSteps) return;
    above_.push_back(object);
    for (const auto& [name, value] : *object) {
      if (name == "properties") {
        walk_properties(value.as_object(), path);
      } else if (name == "dependencies") {
        for (const auto& member : value.as_object()) walk(member.value(), path);
      } else if (std::find(std::begin(kSamePlace), std::end(kSamePlace), std::string_view(name)) != std::end(kSamePlace)) {
        walk_same_place(value, path);
      }
    }
    above_.pop_back();
  }

  void walk_properties(const JsonObject& properties, const std::string& path) {
    for (const auto& [name, schema] : properties) {
      const auto below = path.empty() ? std::string(name) : path + "." + std::string(name);
      paths_.insert(below);
      walk(schema, below);
    }
  }

  void walk_same_place(const Json& value, const std::string& path) {
    if (!value.is_array()) return walk(value, path);
    for (const auto& schema : value.get_array()) walk(schema, path);
  }

  static constexpr std::string_view kSamePlace[] = {"items", "additionalItems", "allOf", "anyOf", "oneOf", "then", "else"};
  static constexpr std::size_t kMaxSteps = 10'000;

  const Json& root_;
  std::set<std::string> paths_;
  std::vector<const JsonObject*> above_;
  std::size_t steps_ = 0;
};

std::vector<Named> named_fields(const config::Resource& resource) {
  std::vector<Named> fields;
  const auto add = [&](std::string_view path) {
    const auto found = query::find_field(path, resource.schema, "");
    if (found && path.find(',') == std::string_view::npos) fields.push_back({found->path, found->field});
  };
  for (const auto path : kBuiltIn) add(path);
  for (const auto& path : NamedPaths(resource.schema_json).take()) add(path);
  return fields;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
  }
  return encoded;
}

JsonObject parameter(std::string_view name, std::string_view description, JsonObject schema) {
  return {{"name", name}, {"in", "query"}, {"description", description}, {"schema", std::move(schema)}};
}

JsonObject array_of(JsonArray choices, std::size_t most) {
  return {{"type", "array"},
          {"minItems", 1},
          {"maxItems", most},
          {"items", JsonObject{{"type", "string"}, {"enum", std::move(choices)}}}};
}

JsonObject fields_parameter(const std::vector<Named>& fields) {
  JsonArray names;
  for (const auto& field : fields) names.emplace_back(field.path);
  auto result = parameter("fields", "Only these fields, and `_id`", array_of(std::move(names), query::kMaxFields));
  result["explode"] = false;
  return result;
}

/// Each key at most once, whatever its direction.
JsonObject sort_parameter(const config::Resource& resource, const std::vector<Named>& fields) {
  JsonArray keys;
  JsonArray once;
  for (const auto& field : fields) {
    if (!query::parse_list_query("sort=" + percent_encoded(field.path), resource)) continue;
    const JsonArray both{field.path, "-" + field.path};
    keys.insert(keys.end(), both.begin(), both.end());
    once.push_back(JsonObject{{"contains", JsonObject{{"enum", both}}}, {"minContains", 0}, {"maxContains", 1}});
  }
  auto schema = array_of(std::move(keys), query::kMaxSortKeys);
  schema["allOf"] = std::move(once);
  auto result = parameter("sort", "`-` before a field for descending; `_id` ends the order", std::move(schema));
  result["explode"] = false;
  return result;
}

JsonObject text(std::string_view pattern) { return {{"type", "string"}, {"pattern", pattern}}; }

JsonObject date() { return {{"type", JsonArray{"string", "null"}}, {"format", "date-time"}}; }

JsonObject where_reference(std::string_view name) { return reference("schemas", "Where." + std::string(name)); }

JsonObject list_of(JsonObject items) { return {{"type", "array"}, {"maxItems", query::kMaxList}, {"items", std::move(items)}}; }

/// The operators on a field, or on an element of an array, whose values are `operand`; `self` names this schema.
JsonObject operators(std::string_view operand, std::string_view self, bool of_element, bool dates) {
  JsonObject all;
  for (const auto* name : {"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"}) all[name] = where_reference(operand);
  for (const auto* name : {"$in", "$nin", "$all"}) all[name] = list_of(where_reference(operand));
  if (!of_element) all["$exists"] = JsonObject{{"type", "boolean"}};
  all["$size"] = JsonObject{
      {"type", "integer"}, {"minimum", 0}, {"maximum", std::numeric_limits<std::int64_t>::max()}, {"format", "int64"}};
  if (!dates) {
    all["$regex"] = text(kPrefix);
    all["$regex"].get_object()["description"] = "^ and a literal prefix";
  }
  all["$not"] = where_reference(self);
  return {{"type", "object"}, {"minProperties", 1}, {"additionalProperties", false}, {"properties", std::move(all)}};
}

bool has_dates(const schema::Field& field) { return field.date_time || field.item_date_time; }

/// What dates are compared with where a field may also hold other scalars.
JsonObject date_operand(const schema::Field& field) {
  auto operand = date();
  auto& types = operand["type"].get_array();
  const auto held = field.types | field.item_types;
  if ((held & schema::kBoolean) != 0) types.emplace_back("boolean");
  if ((held & (schema::kNumber | schema::kInteger)) != 0) types.emplace_back("number");
  return operand;
}

/// The conditions on the fields below `base`, an array's path with a dot after it, or "".
JsonObject conditions(const std::vector<Named>& fields, const std::string& base, std::string_view self);

/// Conditions on the elements of an array.
JsonObject element_match(const Named& array, const std::vector<Named>& fields) {
  JsonArray kinds;
  kinds.push_back(where_reference(array.field.item_date_time ? "DateElement" : "Element"));
  const auto below = array.path + ".";
  if (std::any_of(fields.begin(), fields.end(), [&](const Named& field) { return field.path.starts_with(below); })) {
    kinds.push_back(conditions(fields, below, ""));
  }
  return {{"anyOf", std::move(kinds)}};
}

JsonObject condition(const Named& field, const std::vector<Named>& fields) {
  const bool dates = has_dates(field.field);
  const auto operand = date_operand(field.field);
  JsonObject scalar = !dates ? where_reference("Scalar") : operand == date() ? where_reference("Date") : operand;
  JsonObject applied = where_reference(dates ? "DateOperators" : "Operators");
  if ((field.field.types & schema::kArray) != 0) {
    applied = operators(dates ? "Date" : "Scalar", dates ? "DateOperators" : "Operators", false, dates);
    applied["properties"].get_object()["$elemMatch"] = element_match(field, fields);
  }
  return {{"anyOf", JsonArray{std::move(scalar), std::move(applied)}}};
}

JsonObject conditions(const std::vector<Named>& fields, const std::string& base, std::string_view self) {
  JsonObject members;
  for (const auto& field : fields) {
    if (!field.path.starts_with(base)) continue;
    members[field.path.substr(base.size())] = condition(field, fields);
  }
  if (!self.empty()) {
    for (const auto* name : {"$and", "$or", "$nor"}) {
      members[name] = JsonObject{{"type", "array"}, {"minItems", 1}, {"items", reference("schemas", self)}};
    }
  }
  JsonObject result{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(members)}};
  if (self.empty()) result["minProperties"] = 1;
  return result;
}

}  // namespace

JsonObject list_parameters(const config::Resource& resource) {
  const auto fields = named_fields(resource);
  const JsonObject limit{
      {"type", "integer"}, {"minimum", 1}, {"maximum", resource.page.max_limit}, {"default", resource.page.default_limit}};
  const JsonObject where{
      {"name", "where"},
      {"in", "query"},
      {"description", "A filter in MongoDB's form: at most 32 conditions, depth 5"},
      {"content", JsonObject{{"application/json", JsonObject{{"schema", reference("schemas", resource.name + ".where")}}}}}};
  return {{"where", where},
          {"sort", sort_parameter(resource, fields)},
          {"fields", fields_parameter(fields)},
          {"limit", parameter("limit", "Documents in a page", limit)}};
}

JsonObject common_list_parameters() {
  return {{"after", parameter("after", "The cursor `next` of the page before, for the same query", text("^[A-Za-z0-9_-]+$"))},
          {"count", parameter("count", "Whether `total` is wanted", {{"type", "boolean"}, {"default", false}})}};
}

JsonObject where_schema(const config::Resource& resource) {
  auto result = conditions(named_fields(resource), "", resource.name + ".where");
  result["description"] = "At most 32 conditions, and $and, $or, $nor, $not, $elemMatch at most 5 deep in one another";
  return result;
}

JsonObject where_schemas() {
  JsonObject scalar{{"type", JsonArray{"null", "boolean", "number", "string"}}};
  return {{"Where.Scalar", std::move(scalar)},
          {"Where.Date", date()},
          {"Where.Operators", operators("Scalar", "Operators", false, false)},
          {"Where.DateOperators", operators("Date", "DateOperators", false, true)},
          {"Where.Element", operators("Scalar", "Element", true, false)},
          {"Where.DateElement", operators("Date", "DateElement", true, true)}};
}

}  // namespace nacre::describe
