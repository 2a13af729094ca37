#include <utility>

#include "describe/components.h"
#include "describe/describe.h"
#include "describe/operation.h"
#include "json/write.h"

namespace nacre::describe {
namespace {

constexpr std::string_view kJson = "application/json";

JsonObject content(std::string_view type, JsonObject schema) { return {{type, JsonObject{{"schema", std::move(schema)}}}}; }

JsonObject header_references(std::string_view names) {
  JsonObject headers;
  for (const auto name : split(names)) headers[name] = reference("headers", name);
  return headers;
}

JsonArray parameters(const config::Resource& resource, const Operation& operation) {
  JsonArray list;
  if (operation.item) list.push_back(reference("parameters", "id"));
  for (const auto name : split(operation.parameters)) {
    if (name != "limit") {
      list.push_back(reference("parameters", name));
      continue;
    }
    const JsonObject schema{
        {"type", "integer"}, {"minimum", 1}, {"maximum", resource.page.max_limit}, {"default", resource.page.default_limit}};
    list.push_back(JsonObject{{"name", "limit"}, {"in", "query"}, {"description", "Documents in a page"}, {"schema", schema}});
  }
  return list;
}

/// {} for a method whose request has no body.
JsonObject request_body(const config::Resource& resource, std::string_view method) {
  JsonObject types;
  if (method == "post") {
    const auto one = reference("schemas", resource.name + ".new");
    const JsonObject many{{"type", "array"}, {"items", one}, {"minItems", 1}, {"maxItems", 1'000}};
    types = content(kJson, {{"oneOf", JsonArray{one, many}}});
  } else if (method == "put") {
    types = content(kJson, reference("schemas", resource.name));
  } else if (method == "patch") {
    const JsonObject merge{{"type", "object"}, {"description", "RFC 7396: null deletes"}};
    types = content("application/merge-patch+json", merge);
    types[kJson] = JsonObject{{"schema", merge}};
    types["application/json-patch+json"] = JsonObject{{"schema", reference("schemas", "JsonPatch")}};
  } else {
    return {};
  }
  return {{"required", true}, {"content", std::move(types)}};
}

JsonObject body_of_success(const config::Resource& resource, const Operation& operation) {
  const auto document = reference("schemas", resource.name + ".document");
  if (operation.method == "get" && !operation.item) return content(kJson, reference("schemas", resource.name + ".page"));
  if (operation.method != "post") return content(kJson, document);
  const JsonObject many{{"type", "object"},
                        {"required", JsonArray{"items"}},
                        {"properties", JsonObject{{"items", JsonObject{{"type", "array"}, {"items", document}}}}}};
  return content(kJson, {{"oneOf", JsonArray{document, many}}});
}

JsonObject success(const config::Resource& resource, const Operation& operation, std::string_view status) {
  if (status == "204") return {{"description", "Done"}, {"headers", header_references("X-Request-Id")}};
  if (status == "304") return {{"description", "The copy is still good"}, {"headers", header_references("ETag,X-Request-Id")}};
  JsonObject response{{"description", status == "201" ? "Created" : "OK"}};
  if (status == "201") {
    response["headers"] = header_references("Location,ETag,Last-Modified,Idempotency-Replayed,X-Request-Id");
  } else if (operation.item) {
    response["headers"] = header_references("ETag,Last-Modified,Cache-Status,X-Request-Id");
  } else {
    response["headers"] = header_references("ETag,Link,Cache-Status,X-Request-Id");
  }
  if (operation.method != "head") response["content"] = body_of_success(resource, operation);
  return response;
}

JsonObject describe_operation(const config::Resource& resource, const Operation& operation) {
  const auto& rule = resource.access.*operation.access;
  JsonObject responses;
  for (const auto status : split(operation.success)) responses[status] = success(resource, operation, status);
  for (const auto status : split(operation.failures)) responses[status] = reference("responses", status);
  auto id = resource.name + "." + std::string(operation.name);
  if (operation.method == "head") id += ".head";
  JsonObject result{{"operationId", id},
                    {"tags", JsonArray{resource.name}},
                    {"summary", operation.summary},
                    {"description", "For " + who(rule) + "."},
                    {"parameters", parameters(resource, operation)},
                    {"responses", std::move(responses)}};
  if (rule.kind != config::AccessRule::Kind::anyone) {
    result["security"] = JsonArray{JsonObject{{"session", JsonArray{}}}, JsonObject{{"token", JsonArray{}}}};
  }
  if (auto body = request_body(resource, operation.method); !body.empty()) result["requestBody"] = std::move(body);
  return result;
}

JsonObject& path_item(JsonObject& paths, std::string_view path) {
  auto& item = paths[path];
  return item.is_object() ? item.get_object() : item.emplace_object();
}

JsonObject describe_route(const Route& route) {
  JsonArray list;
  for (const auto name : path_parameters(route.path)) {
    list.push_back(JsonObject{{"name", name}, {"in", "path"}, {"required", true}, {"schema", JsonObject{{"type", "string"}}}});
  }
  const JsonObject problem{{"description", "A problem"},
                           {"content", content("application/problem+json", reference("schemas", "Problem"))}};
  return {{"tags", JsonArray{"application"}},
          {"summary", "The application's own"},
          {"parameters", std::move(list)},
          {"responses", JsonObject{{"200", JsonObject{{"description", "OK"}}}, {"default", problem}}}};
}

JsonObject describe_paths(const config::Config& config, std::span<const Route> routes) {
  JsonObject paths;
  for (const auto& resource : config.resources) {
    for (const auto& operation : operations()) {
      if (!is_offered(resource, operation)) continue;
      path_item(paths, '/' + resource.name + (operation.item ? "/{id}" : ""))[operation.method] =
          describe_operation(resource, operation);
    }
  }
  for (const auto& route : routes) path_item(paths, route.path)[method_name(route.method)] = describe_route(route);
  return paths;
}

}  // namespace

std::string openapi(const config::Config& config, std::span<const Route> routes, const About& about) {
  JsonArray tags;
  for (const auto& resource : config.resources) tags.push_back(JsonObject{{"name", resource.name}});
  if (!routes.empty()) tags.push_back(JsonObject{{"name", "application"}});
  return json_text(JsonObject{
      {"openapi", "3.1.0"},
      {"info", JsonObject{{"title", "Nacre"}, {"version", about.version}}},
      {"servers", JsonArray{JsonObject{{"url", about.mount.empty() ? std::string_view("/") : about.mount}}}},
      {"tags", std::move(tags)},
      {"paths", describe_paths(config, routes)},
      {"components", components(config)},
  });
}

}  // namespace nacre::describe
