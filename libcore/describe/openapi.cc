#include <algorithm>
#include <string>
#include <utility>

#include "describe/components.h"
#include "describe/describe.h"
#include "describe/list_parameters.h"
#include "describe/operation.h"
#include "json/write.h"

namespace nacre::describe {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProblem = "application/problem+json";

JsonObject content(std::string_view type, JsonObject schema) { return {{type, JsonObject{{"schema", std::move(schema)}}}}; }

JsonObject header_references(std::string_view names) {
  JsonObject headers;
  for (const auto name : split(names)) headers[name] = reference("headers", name);
  return headers;
}

JsonArray parameters(const config::Resource& resource, const Operation& operation) {
  JsonArray list;
  if (operation.item) list.push_back(reference("parameters", operation.access != nullptr ? "id" : "segment"));
  const auto own = list_parameters(resource);
  for (const auto name : split(operation.parameters)) {
    const auto* parameter = own.if_contains(name);
    list.push_back(parameter != nullptr ? *parameter : reference("parameters", name));
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
    const auto merge = reference("schemas", resource.name + ".patch");
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
  if (operation.method == "get") return content(kJson, reference("schemas", resource.name + ".shown"));
  if (operation.method != "post") return content(kJson, document);
  const JsonObject many{{"type", "object"},
                        {"required", JsonArray{"items"}},
                        {"properties", JsonObject{{"items", JsonObject{{"type", "array"}, {"items", document}}}}}};
  return content(kJson, {{"oneOf", JsonArray{document, many}}});
}

std::string_view headers_of_success(const Operation& operation, std::string_view status) {
  if (operation.method == "options") return "Allow,Accept-Patch,X-Request-Id";
  if (status == "204") return "Cache-Control,ETag,Last-Modified,Preference-Applied,X-Request-Id";
  if (status == "304") return "Cache-Control,Cache-Status,Age,ETag,X-Request-Id";
  if (status == "201") {
    return "Cache-Control,Location,ETag,Last-Modified,Idempotency-Replayed,Preference-Applied,X-Request-Id";
  }
  return operation.item ? "Cache-Control,Cache-Status,Age,ETag,Last-Modified,X-Request-Id"
                        : "Cache-Control,Cache-Status,Age,ETag,Link,X-Request-Id";
}

JsonObject success(const config::Resource& resource, const Operation& operation, std::string_view status) {
  const auto* description = status == "304"   ? "The copy is still good"
                            : status == "204" ? "Done"
                            : status == "201" ? "Created"
                                              : "OK";
  JsonObject response{{"description", description}, {"headers", header_references(headers_of_success(operation, status))}};
  const bool has_body = (status == "200" || status == "201") && operation.method != "head";
  if (has_body) response["content"] = body_of_success(resource, operation);
  return response;
}

/// An operation that nobody may ask for: it is there, since the path's other operations are, and refuses.
JsonObject describe_refusal(const Operation& operation) {
  JsonObject responses;
  for (const auto* status : {"401", "403", "429"}) responses[status] = reference("responses", status);
  JsonObject result{{"summary", "Nobody may"}, {"responses", std::move(responses)}};
  if (operation.item) result["parameters"] = JsonArray{reference("parameters", "id")};
  return result;
}

JsonObject describe_operation(const config::Resource& resource, const Operation& operation) {
  if (!is_offered(resource, operation)) return describe_refusal(operation);
  JsonObject responses;
  for (const auto status : split(operation.success)) responses[status] = success(resource, operation, status);
  for (const auto status : split(operation.failures)) responses[status] = reference("responses", status);
  JsonObject result{
      {"summary", operation.summary}, {"parameters", parameters(resource, operation)}, {"responses", std::move(responses)}};
  if (operation.access != nullptr) {
    const auto& rule = resource.access.*operation.access;
    result["description"] = "For " + who(rule) + ".";
    const bool creates = operation.method == "put" && resource.access.create.kind == config::AccessRule::Kind::anyone;
    if (rule.kind != config::AccessRule::Kind::anyone && !creates) {
      result["security"] = JsonArray{JsonObject{{"session", JsonArray{}}}, JsonObject{{"token", JsonArray{}}}};
    }
  }
  if (auto body = request_body(resource, operation.method); !body.empty()) result["requestBody"] = std::move(body);
  return result;
}

std::string operation_id(const config::Resource& resource, const Operation& operation) {
  auto id = resource.name + "." + std::string(operation.name);
  if (operation.method == "head") id += ".head";
  if (operation.method == "options" && operation.item) id += ".item";
  return id;
}

void describe_resource(const config::Resource& resource, JsonObject& paths) {
  for (const bool item : {false, true}) {
    JsonObject methods;
    bool offered = false;
    for (const auto& operation : operations()) {
      if (operation.item != item) continue;
      offered = offered || (operation.access != nullptr && is_offered(resource, operation));
      auto described = describe_operation(resource, operation);
      described["operationId"] = operation_id(resource, operation);
      described["tags"] = JsonArray{resource.name};
      methods[operation.method] = std::move(described);
    }
    if (offered) paths['/' + resource.name + (item ? "/{id}" : "")] = std::move(methods);
  }
}

/// What an application's handlers answer is theirs; errors that Nacre makes of it are problems.
JsonObject describe_route(std::string_view path, bool options) {
  JsonArray list;
  for (const auto name : path_parameters(path)) {
    list.push_back(JsonObject{{"name", name}, {"in", "path"}, {"required", true}, {"schema", reference("schemas", "Segment")}});
  }
  JsonObject responses;
  if (options) {
    responses["204"] = JsonObject{{"description", "Done"}, {"headers", header_references("Allow,X-Request-Id")}};
    responses["404"] = reference("responses", "404");
    responses["429"] = reference("responses", "429");
  } else {
    const auto headers = header_references("X-Request-Id");
    auto types = content(kProblem, reference("schemas", "Problem"));
    types["*/*"] = JsonObject{};
    responses["2XX"] = JsonObject{{"description", "OK"}, {"headers", headers}};
    responses["3XX"] = JsonObject{{"description", "Elsewhere"}, {"headers", headers}};
    responses["4XX"] = JsonObject{{"description", "Refused"}, {"headers", headers}, {"content", types}};
    responses["5XX"] = JsonObject{{"description", "Failed"}, {"headers", headers}, {"content", types}};
  }
  return {{"tags", JsonArray{"application"}},
          {"summary", options ? "The methods of this path" : "The application's own"},
          {"parameters", std::move(list)},
          {"responses", std::move(responses)}};
}

/// A path with the names of its parameters left out: OpenAPI takes paths of one shape for the same.
std::string shape(std::string_view path) {
  std::string result(path);
  for (const auto name : path_parameters(path)) {
    const auto at = result.find("{" + std::string(name) + "}");
    if (at != std::string::npos) result.erase(at + 1, name.size());
  }
  return result;
}

void describe_routes(std::span<const Route> routes, JsonObject& paths) {
  for (const auto& route : routes) {
    const auto same =
        std::find_if(paths.begin(), paths.end(), [&](const auto& known) { return shape(known.key()) == shape(route.path); });
    const std::string path(same != paths.end() ? std::string_view(same->key()) : route.path);
    auto& known = paths[path];
    auto& methods = known.is_object() ? known.get_object() : known.emplace_object();
    methods[method_name(route.method)] = describe_route(path, false);
    if (route.method == http::Method::get) methods["head"] = describe_route(path, false);
    if (!methods.contains("options")) methods["options"] = describe_route(path, true);
  }
}

}  // namespace

std::string openapi(const config::Config& config, std::span<const Route> routes, const About& about) {
  JsonArray tags;
  for (const auto& resource : config.resources) tags.push_back(JsonObject{{"name", resource.name}});
  if (!routes.empty()) tags.push_back(JsonObject{{"name", "application"}});
  JsonObject paths;
  for (const auto& resource : config.resources) describe_resource(resource, paths);
  describe_routes(routes, paths);
  return json_text(JsonObject{
      {"openapi", "3.1.0"},
      {"info", JsonObject{{"title", "Nacre"}, {"version", about.version}}},
      {"servers", JsonArray{JsonObject{{"url", about.mount.empty() ? std::string_view("/") : about.mount}}}},
      {"tags", std::move(tags)},
      {"paths", std::move(paths)},
      {"components", components(config)},
  });
}

}  // namespace nacre::describe
