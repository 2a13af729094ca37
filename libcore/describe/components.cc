#include "describe/components.h"

#include <utility>

#include "describe/dialect.h"
#include "describe/list_parameters.h"
#include "describe/operation.h"
#include "json/patch.h"

namespace nacre::describe {
namespace {

JsonObject typed(std::string_view type, std::string_view description) { return {{"type", type}, {"description", description}}; }

JsonObject date_time(std::string_view description) {
  auto schema = typed("string", description);
  schema["format"] = "date-time";
  return schema;
}

JsonObject identifier() {
  return {{"type", "string"},
          {"pattern", "^(?!\\.{1,2}$)[A-Za-z0-9_.~-]{1,64}$"},
          {"description", "1 to 64 of A-Za-z0-9_.~-, but neither . nor .."}};
}

JsonObject segment() {
  return {{"type", "string"}, {"pattern", "^(?!\\.{1,2}$)[^/\\u0000]+$"}, {"description", "A segment of a path"}};
}

JsonObject server_fields() {
  return {{"_id", reference("schemas", "Id")},
          {"_rev", JsonObject{{"type", "integer"},
                              {"minimum", 1},
                              {"maximum", std::numeric_limits<std::int64_t>::max()},
                              {"format", "int64"},
                              {"description", "Counts the changes"}}},
          {"_created", date_time("UTC, milliseconds")},
          {"_updated", date_time("UTC, milliseconds")},
          {"_owner", JsonObject{{"type", JsonArray{"string", "null"}}, {"description", "The user who created it"}}}};
}

/// What was read can be sent back: `_rev` is a precondition, and the others mean nothing.
JsonObject sent_back(const JsonObject& id) {
  JsonObject members{{"_id", id},
                     {"_rev", JsonObject{{"type", "integer"},
                                         {"minimum", std::numeric_limits<std::int64_t>::min()},
                                         {"maximum", std::numeric_limits<std::int64_t>::max()},
                                         {"format", "int64"},
                                         {"description", "Only if the document has it"}}}};
  for (const auto* name : {"_created", "_updated", "_owner"}) members[name] = JsonObject{{"description", "Ignored"}};
  return members;
}

/// The document, or what `fields` leaves of it.
JsonObject shown(const config::Resource& resource) {
  return {{"anyOf",
           JsonArray{reference("schemas", resource.name + ".document"), reference("schemas", resource.name + ".partial")}}};
}

JsonObject page_schema(const config::Resource& resource) {
  return {{"type", "object"},
          {"required", JsonArray{"items", "next"}},
          {"properties",
           JsonObject{{"items", JsonObject{{"type", "array"},
                                           {"items", reference("schemas", resource.name + ".shown")},
                                           {"maxItems", resource.page.max_limit}}},
                      {"next", JsonObject{{"type", JsonArray{"string", "null"}}, {"description", "The cursor for `after`"}}},
                      {"total", JsonObject{{"type", "integer"}, {"minimum", 0}, {"description", "With `count=true`"}}}}}};
}

JsonObject problem_schema() {
  const JsonObject error{{"type", "object"},
                         {"required", JsonArray{"pointer", "detail"}},
                         {"properties", JsonObject{{"pointer", typed("string", "A JSON Pointer into the body")},
                                                   {"detail", typed("string", "What is wrong there")}}}};
  return {{"type", "object"},
          {"description", "RFC 9457"},
          {"required", JsonArray{"type", "title", "status", "detail", "instance"}},
          {"properties", JsonObject{{"type", JsonObject{{"type", "string"}, {"format", "uri-reference"}}},
                                    {"title", JsonObject{{"type", "string"}}},
                                    {"status", JsonObject{{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
                                    {"detail", JsonObject{{"type", "string"}}},
                                    {"instance", typed("string", "The request's id, as in X-Request-Id")},
                                    {"errors", JsonObject{{"type", "array"}, {"minItems", 1}, {"items", error}}}}}};
}

JsonObject patch_operation(JsonArray verbs, std::string_view further) {
  const JsonObject pointer{{"type", "string"}, {"pattern", "^(?:/(?:[^/~]|~[01])*)*$"}, {"description", "A JSON Pointer"}};
  JsonObject properties{{"op", JsonObject{{"enum", std::move(verbs)}}}, {"path", pointer}};
  JsonArray required{"op", "path"};
  if (!further.empty()) {
    properties[further] = further == "from" ? pointer : reference("schemas", "Value");
    required.emplace_back(further);
  }
  return {{"type", "object"}, {"required", std::move(required)}, {"properties", std::move(properties)}};
}

JsonObject json_patch_schema() {
  const JsonArray operations{patch_operation({"add", "replace", "test"}, "value"), patch_operation({"move", "copy"}, "from"),
                             patch_operation({"remove"}, "")};
  return {{"type", "array"},
          {"description", "RFC 6902; nothing can be moved into itself"},
          {"maxItems", kMaxPatchOperations},
          {"items", JsonObject{{"oneOf", operations}}}};
}

void add_schemas(const config::Resource& resource, JsonObject& all) {
  Dialect dialect(resource.name, resource.schema_json, all);
  const auto members = server_fields();
  const JsonObject id{{"_id", members.at("_id")}};
  JsonArray names;
  for (const auto& member : members) names.emplace_back(member.key());
  const auto put = [&](std::string_view suffix, Json schema) { all[resource.name + std::string(suffix)] = std::move(schema); };
  put("", dialect.document({"put", sent_back({{"$ref", id.at("_id").at("$ref")}, {"description", "The path's"}}), {}}));
  put(".new", dialect.document({"new", id, {}}));
  auto document = dialect.document({"document", members, names});
  auto part = partial(document);
  part.as_object()["required"] = JsonArray{"_id"};
  put(".document", std::move(document));
  put(".partial", std::move(part));
  put(".page", page_schema(resource));
  auto kept = members;
  kept["_rev"] = sent_back({}).at("_rev");
  put(".patch", dialect.merge_patch({"patch", kept, {}}));
  put(".shown", shown(resource));
  put(".where", where_schema(resource));
}

JsonObject schemas(const config::Config& config) {
  JsonObject all{
      {"Problem", problem_schema()}, {"JsonPatch", json_patch_schema()}, {"Id", identifier()}, {"Segment", segment()}};
  for (auto&& [name, schema] : schemas_of_values()) all[name] = std::move(schema);
  for (auto&& [name, schema] : where_schemas()) all[name] = std::move(schema);
  for (const auto& resource : config.resources) add_schemas(resource, all);
  return all;
}

// Lists may have empty elements and white space (RFC 9110 §5.6.1.2).
constexpr std::string_view kEntityTags = R"re(^(?:[ \t]*\*[ \t]*|[ \t,]*(?:(?:W/)?"[^"]*"[ \t]*(?:,[ \t,]*|$))*)$)re";
constexpr std::string_view kIdempotencyKey =
    R"re(^(?:"[ !#-\[\]-~]{1,255}"|[!#-\[\]-~](?:[ !#-\[\]-~]{0,253}[!#-\[\]-~])?)$)re";

JsonObject header_parameter(std::string_view name, std::string_view description, std::string_view pattern = {}) {
  JsonObject schema{{"type", "string"}};
  if (!pattern.empty()) schema["pattern"] = pattern;
  return {{"name", name}, {"in", "header"}, {"description", description}, {"schema", std::move(schema)}};
}

JsonObject parameters() {
  JsonObject all = common_list_parameters();
  for (const auto& [name, schema] : {std::pair("id", "Id"), std::pair("segment", "Segment")}) {
    all[name] = JsonObject{{"name", "id"},
                           {"in", "path"},
                           {"required", true},
                           {"description", "The document's `_id`"},
                           {"schema", reference("schemas", schema)}};
  }
  const auto add = [&](std::string_view name, std::string_view description, std::string_view pattern = {}) {
    all[name] = header_parameter(name, description, pattern);
  };
  add("If-Match", "Only if the document has one of these ETags (RFC 9110 §13.1.1)", kEntityTags);
  add("If-None-Match", "Only if it has none of these ETags (RFC 9110 §13.1.2)", kEntityTags);
  add("If-Modified-Since", "Only if it was updated after this date (RFC 9110 §13.1.3)");
  add("If-Unmodified-Since", "Only if it was not updated after this date (RFC 9110 §13.1.4)");
  all["If-None-Match.read"] = header_parameter("If-None-Match", "Only if it has none of these ETags (RFC 9110 §13.1.2)");
  add("Idempotency-Key", "The first answer to this key is given again for 24 hours", kIdempotencyKey);
  add("Prefer", "`return=minimal`: no body in the answer");
  return all;
}

JsonObject header(std::string_view description, bool required = false, JsonObject schema = {{"type", "string"}}) {
  JsonObject result{{"description", description}, {"schema", std::move(schema)}};
  if (required) result["required"] = true;
  return result;
}

JsonObject headers() {
  const JsonObject seconds{{"type", "integer"}, {"minimum", 0}};
  JsonObject all;
  all["ETag"] = header("Of this state of the document, or of this page");
  all["Last-Modified"] = header("When it was updated");
  all["Link"] = header("`rel=\"next\"`: the next page");
  all["Location"] = header("Where the document is");
  all["Age"] = header("Seconds that the answer was in a cache", false, seconds);
  all["Cache-Control"] = header("How long it may be used again", true);
  all["Cache-Status"] = header("`nacre; hit`, `nacre; fwd=miss` or `nacre; fwd=stale` (RFC 9211)");
  all["X-Request-Id"] = header("The request's id", true, {{"type", "string"}, {"minLength", 1}});
  all["Idempotency-Replayed"] = header("`true` on an answer that was given before", false, {{"enum", JsonArray{"true"}}});
  all["Preference-Applied"] = header("`return=minimal` where that is so");
  all["Allow"] = header("The methods that there are", true);
  all["Accept"] = header("The form of bodies that is taken");
  all["Accept-Encoding"] = header("The codings of bodies that are taken");
  all["Accept-Patch"] = header("The forms of patches that are taken");
  all["WWW-Authenticate"] = header("What kind of credential is asked for", true);
  all["Retry-After"] = header("Seconds until it is worth trying again", true, seconds);
  return all;
}

JsonObject responses() {
  const std::pair<std::string_view, std::string_view> special[] = {
      {"401", "WWW-Authenticate"}, {"405", "Allow"}, {"415", "Accept-Patch"}, {"429", "Retry-After"}, {"503", "Retry-After"}};
  JsonObject all;
  for (const auto& problem : problems()) {
    JsonObject sent{{"X-Request-Id", reference("headers", "X-Request-Id")},
                    {"Cache-Control", reference("headers", "Cache-Control")}};
    for (const auto& [status, name] : special) {
      if (problem.status == status) sent[name] = reference("headers", name);
    }
    const JsonObject content{{"application/problem+json", JsonObject{{"schema", reference("schemas", "Problem")}}}};
    all[problem.status] = JsonObject{{"description", std::string(problem.title).append(". ").append(problem.reasons)},
                                     {"headers", std::move(sent)},
                                     {"content", content}};
  }
  return all;
}

}  // namespace

JsonObject reference(std::string_view kind, std::string_view name) {
  return {{"$ref", std::string("#/components/").append(kind).append("/").append(name)}};
}

JsonObject components(const config::Config& config) {
  JsonObject all;
  all["schemas"] = schemas(config);
  all["parameters"] = parameters();
  all["headers"] = headers();
  all["responses"] = responses();
  all["securitySchemes"] =
      JsonObject{{"session", JsonObject{{"type", "apiKey"}, {"in", "cookie"}, {"name", config.auth.cookie}}},
                 {"token", JsonObject{{"type", "http"}, {"scheme", "bearer"}}}};
  return all;
}

}  // namespace nacre::describe
