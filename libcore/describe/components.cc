#include "describe/components.h"

#include <utility>

#include "describe/operation.h"

namespace nacre::describe {
namespace {

constexpr std::string_view kDraft7 = "http://json-schema.org/draft-07/schema#";

JsonObject typed(std::string_view type, std::string_view description) { return {{"type", type}, {"description", description}}; }

JsonObject date_time(std::string_view description) {
  auto schema = typed("string", description);
  schema["format"] = "date-time";
  return schema;
}

JsonObject identifier() {
  return {{"type", "string"}, {"pattern", "^[A-Za-z0-9_.~-]{1,64}$"}, {"description", "1 to 64 of A-Za-z0-9_.~-"}};
}

JsonObject server_fields() {
  return {{"_id", identifier()},
          {"_rev", JsonObject{{"type", "integer"}, {"minimum", 1}, {"description", "Counts the changes; the ETag"}}},
          {"_created", date_time("UTC, milliseconds")},
          {"_updated", date_time("UTC, milliseconds")},
          {"_owner", JsonObject{{"type", JsonArray{"string", "null"}}, {"description", "The user who created it"}}}};
}

/// The user's schema with an identity of its own, so that `#/definitions/…` in
/// it still leads into it.
JsonObject own_schema(const config::Resource& resource) {
  JsonObject schema = resource.schema_json.is_object() ? resource.schema_json.get_object() : JsonObject{};
  if (!schema.contains("$schema")) schema["$schema"] = kDraft7;
  if (!schema.contains("$id")) schema["$id"] = "urn:nacre:" + resource.name;
  return schema;
}

/// The user's schema that allows further fields. Keywords that count or judge
/// all fields would judge these as well, and a
/// `$ref` would hide what stands beside it (draft 7): without them the result
/// allows more, and is right.
JsonObject extended_schema(const config::Resource& resource, std::string_view suffix, JsonObject fields, JsonArray required) {
  auto schema = own_schema(resource);
  for (const auto* key : {"maxProperties", "propertyNames", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref"}) {
    schema.erase(key);
  }
  schema["$id"] = "urn:nacre:" + resource.name + std::string(suffix);
  schema["type"] = "object";
  auto& properties = schema["properties"];
  if (properties.is_object()) {
    for (const auto& [name, property] : properties.get_object()) fields.emplace(name, property);
  }
  properties = std::move(fields);
  auto& names = schema["required"];
  if (names.is_array()) required.insert(required.end(), names.get_array().begin(), names.get_array().end());
  if (required.empty()) {
    schema.erase("required");
  } else {
    names = std::move(required);
  }
  return schema;
}

JsonObject page_schema(const config::Resource& resource) {
  return {{"type", "object"},
          {"required", JsonArray{"items", "next"}},
          {"properties",
           JsonObject{{"items", JsonObject{{"type", "array"},
                                           {"items", reference("schemas", resource.name + ".document")},
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
          {"required", JsonArray{"type", "title", "status"}},
          {"properties", JsonObject{{"type", JsonObject{{"type", "string"}, {"format", "uri-reference"}}},
                                    {"title", JsonObject{{"type", "string"}}},
                                    {"status", JsonObject{{"type", "integer"}}},
                                    {"detail", JsonObject{{"type", "string"}}},
                                    {"instance", typed("string", "The request's id, as in X-Request-Id")},
                                    {"errors", JsonObject{{"type", "array"}, {"items", error}}}}}};
}

JsonObject json_patch_schema() {
  const JsonObject operation{
      {"type", "object"},
      {"required", JsonArray{"op", "path"}},
      {"properties", JsonObject{{"op", JsonObject{{"enum", JsonArray{"add", "remove", "replace", "move", "copy", "test"}}}},
                                {"path", JsonObject{{"type", "string"}, {"format", "json-pointer"}}},
                                {"from", JsonObject{{"type", "string"}, {"format", "json-pointer"}}},
                                {"value", true}}}};
  return {{"type", "array"}, {"description", "RFC 6902"}, {"items", operation}};
}

JsonObject schemas(const config::Config& config) {
  JsonObject all{{"Problem", problem_schema()}, {"JsonPatch", json_patch_schema()}};
  for (const auto& resource : config.resources) {
    all[resource.name] = own_schema(resource);
    all[resource.name + ".new"] = extended_schema(resource, ":new", {{"_id", identifier()}}, {});
    all[resource.name + ".document"] =
        extended_schema(resource, ":document", server_fields(), {"_id", "_rev", "_created", "_updated", "_owner"});
    all[resource.name + ".page"] = page_schema(resource);
  }
  return all;
}

JsonObject parameter(std::string_view name, std::string_view in, JsonObject schema, std::string_view description) {
  return {{"name", name}, {"in", in}, {"description", description}, {"schema", std::move(schema)}};
}

JsonObject parameters() {
  const JsonObject string{{"type", "string"}};
  auto id = parameter("id", "path", identifier(), "The document's `_id`");
  id["required"] = true;
  auto fields = parameter("fields", "query", {{"type", "array"}, {"items", string}}, "Only these fields, and `_id`");
  fields["explode"] = false;
  const JsonObject where{{"name", "where"},
                         {"in", "query"},
                         {"description", "A filter in MongoDB's form: at most 32 conditions, depth 5"},
                         {"content", JsonObject{{"application/json", JsonObject{{"schema", JsonObject{{"type", "object"}}}}}}}};
  return {
      {"id", std::move(id)},
      {"where", where},
      {"sort", parameter("sort", "query", string,
                         "Fields with commas between them, `-` before one for "
                         "descending; `_id` if absent")},
      {"fields", std::move(fields)},
      {"after", parameter("after", "query", string, "The cursor `next` of the page before")},
      {"count", parameter("count", "query", {{"type", "boolean"}}, "Whether `total` is wanted")},
      {"If-Match", parameter("If-Match", "header", string, "Only if the document has one of these ETags (RFC 9110 §13.1.1)")},
      {"If-None-Match", parameter("If-None-Match", "header", string, "Only if it has none of these ETags (RFC 9110 §13.1.2)")},
      {"Idempotency-Key",
       parameter("Idempotency-Key", "header", string, "The first answer to this key is given again for 24 hours")},
      {"Prefer", parameter("Prefer", "header", string, "`return=minimal`: no body in the answer")}};
}

JsonObject header(std::string_view description) {
  return {{"description", description}, {"schema", JsonObject{{"type", "string"}}}};
}

JsonObject headers() {
  return {{"ETag", header("The revision")},
          {"Last-Modified", header("When it was updated")},
          {"Link", header("`rel=\"next\"`: the next page")},
          {"Location", header("Where the document is")},
          {"Cache-Status", header("`nacre; hit`, `nacre; fwd=miss` or `nacre; fwd=stale` (RFC 9211)")},
          {"X-Request-Id", header("The request's id")},
          {"Idempotency-Replayed", header("`true` on an answer that was given before")},
          {"Allow", header("The methods that there are")},
          {"WWW-Authenticate", header("What kind of credential is asked for")},
          {"Retry-After", header("Seconds until it is worth trying again")}};
}

JsonObject responses() {
  const std::pair<std::string_view, std::string_view> special[] = {
      {"401", "WWW-Authenticate"}, {"405", "Allow"}, {"429", "Retry-After"}, {"503", "Retry-After"}};
  JsonObject all;
  for (const auto& problem : problems()) {
    JsonObject sent{{"X-Request-Id", reference("headers", "X-Request-Id")}};
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
  return {{"schemas", schemas(config)},
          {"parameters", parameters()},
          {"headers", headers()},
          {"responses", responses()},
          {"securitySchemes",
           JsonObject{{"session", JsonObject{{"type", "apiKey"}, {"in", "cookie"}, {"name", config.auth.cookie}}},
                      {"token", JsonObject{{"type", "http"}, {"scheme", "bearer"}}}}}};
}

}  // namespace nacre::describe
