#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/load.h"
#include "describe/describe.h"
#include "json/parse.h"

using namespace nacre;

namespace {

constexpr auto kYaml = R"(version: 1
store: { uri: "sqlite:secret-place.db" }
auth: { session: { cookie: my_session } }
resources:
  notes:
    schema:
      type: object
      required: [title]
      additionalProperties: false
      maxProperties: 5
      properties:
        title: { type: string, maxLength: 200 }
        stars: { type: integer, minimum: 3 }
    access: { read: public, create: user, update: owner, delete: "role:editor" }
    page: { default: 7, max: 70 }
  logs:
    schema: { type: object, definitions: { line: { type: string } }, properties: { line: { $ref: "#/definitions/line" } } }
    access: { read: user }
  hidden:
    schema: {}
)";

const describe::Route routes[] = {
    {http::Method::get, "/hello/{name}"}, {http::Method::post, "/hello/{name}"}, {http::Method::del, "/a/{b}/c/{d}"}};

Json document() {
  const auto config = config::load_text(kYaml, "nacre.yaml", "/srv");
  return *parse_json(describe::openapi(*config, routes, {.version = "1.2.3", .mount = "/v1"}));
}

std::vector<std::string> keys(const Json& value) {
  std::vector<std::string> names;
  for (const auto& [name, member] : value.as_object()) names.emplace_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

/// Every `$ref` below a value.
void collect_references(const Json& value, std::set<std::string>& found) {
  if (value.is_array()) {
    for (const auto& item : value.get_array()) collect_references(item, found);
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.get_object()) {
      if (name == "$ref") found.emplace(member.as_string().c_str());
      collect_references(member, found);
    }
  }
}

}  // namespace

TEST_SUITE("describe::openapi") {
  TEST_CASE("the document names its version, the API's and the mount") {
    const auto root = document();
    CHECK(root.at("openapi") == Json("3.1.0"));
    CHECK(root.at("info").at("version") == Json("1.2.3"));
    CHECK(root.at("servers").at(0).at("url") == Json("/v1"));
    CHECK(root.at("components").at("securitySchemes").at("session").at("name") == Json("my_session"));
  }

  TEST_CASE("each resource has the requests that somebody may make") {
    const auto paths = document().at("paths");
    CHECK(keys(paths) == Names{"/a/{b}/c/{d}", "/hello/{name}", "/logs", "/logs/{id}", "/notes", "/notes/{id}"});
    CHECK(keys(paths.at("/notes")) == Names{"get", "head", "options", "post"});
    CHECK(keys(paths.at("/notes/{id}")) == Names{"delete", "get", "head", "options", "patch", "put"});
    CHECK(keys(paths.at("/hello/{name}")) == Names{"get", "head", "options", "post"});
  }

  TEST_CASE("what nobody may do beside what somebody may is there, since Allow names it, and refuses") {
    const auto paths = document().at("paths");
    CHECK(keys(paths.at("/logs")) == Names{"get", "head", "options", "post"});
    CHECK(keys(paths.at("/logs").at("post").at("responses")) == Names{"401", "403", "429"});
    CHECK_FALSE(paths.at("/logs").at("post").as_object().contains("requestBody"));
    CHECK(keys(paths.at("/notes").at("options").at("responses").at("204").at("headers")) ==
          Names{"Accept-Patch", "Allow", "X-Request-Id"});
  }

  TEST_CASE("a path of the application that has a resource's shape is one with it") {
    const describe::Route shared[] = {{http::Method::post, "/notes/{note}"}};
    const auto config = config::load_text(kYaml, "nacre.yaml", "/srv");
    const auto paths = parse_json(describe::openapi(*config, shared, {}))->at("paths");
    CHECK_FALSE(paths.as_object().contains("/notes/{note}"));
    CHECK(paths.at("/notes/{id}").at("post").at("parameters").at(0).at("name") == Json("id"));
  }

  TEST_CASE("operation ids are unique and are the routes' names") {
    std::set<std::string> ids;
    std::size_t operations = 0;
    const auto root = document();
    for (const auto& [path, item] : root.at("paths").as_object()) {
      for (const auto& [method, operation] : item.as_object()) {
        if (const auto* id = operation.as_object().if_contains("operationId")) {
          ids.emplace(id->as_string().c_str());
          ++operations;
        }
      }
    }
    CHECK(ids.size() == operations);
    for (const auto* id :
         {"notes.list", "notes.create", "notes.read", "notes.replace", "notes.update", "notes.delete", "logs.read"}) {
      CHECK(ids.contains(id));
    }
  }

  TEST_CASE("who may do it decides the security of an operation") {
    const auto paths = document().at("paths");
    CHECK_FALSE(paths.at("/notes").at("get").as_object().contains("security"));
    CHECK(paths.at("/notes").at("post").at("security").as_array().size() == 2);
    CHECK(paths.at("/notes/{id}").at("delete").at("description") == Json("For users of role editor."));
  }

  TEST_CASE("every status of the contract's error list is a problem response, and operations refer to them") {
    const auto root = document();
    const auto& responses = root.at("components").at("responses");
    for (const auto* status : {"400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "429", "503", "504"}) {
      CAPTURE(status);
      CHECK(responses.at(status).at("content").as_object().contains("application/problem+json"));
    }
    CHECK(responses.at("401").at("headers").as_object().contains("WWW-Authenticate"));
    CHECK(responses.at("429").at("headers").as_object().contains("Retry-After"));
    CHECK(responses.at("503").at("headers").as_object().contains("Retry-After"));
    const auto& put = root.at("paths").at("/notes/{id}").at("put").at("responses");
    CHECK(put.at("412").at("$ref") == Json("#/components/responses/412"));
    CHECK(keys(put) ==
          Names{"200", "201", "204", "400", "401", "403", "404", "409", "412", "413", "415", "422", "429", "503", "504"});
  }

  TEST_CASE("every reference leads somewhere") {
    const auto root = document();
    std::set<std::string> found;
    collect_references(root, found);
    CHECK(found.size() > 20);
    for (const auto& reference : found) {
      CAPTURE(reference);
      REQUIRE(reference.starts_with("#/"));
      boost::system::error_code error;
      CHECK(root.find_pointer(reference.substr(1), error) != nullptr);
    }
  }

  TEST_CASE("a stored document has the server's fields beside the user's") {
    const auto schemas = document().at("components").at("schemas");
    const auto& stored = schemas.at("notes.document");
    CHECK(keys(stored.at("properties")) == Names{"_created", "_id", "_owner", "_rev", "_updated", "stars", "title"});
    CHECK(stored.at("required").as_array().size() == 6);
    CHECK(stored.at("maxProperties") == Json(10));
    CHECK(stored.at("additionalProperties") == Json(false));
    CHECK(keys(schemas.at("notes.new").at("properties")) == Names{"_id", "stars", "title"});
    CHECK(schemas.at("notes.new").at("required") == Json{"title"});
    CHECK(schemas.at("notes.partial").at("required") == Json{"_id"});
  }

  TEST_CASE("no schema needs another dialect or another base for references") {
    const auto schemas = document().at("components").at("schemas");
    const auto& logs = schemas.at("logs").as_object();
    for (const auto* keyword : {"$schema", "$id", "definitions"}) CHECK_FALSE(logs.contains(keyword));
    CHECK(logs.at("properties").at("line").at("$ref") == Json("#/components/schemas/logs.definitions.line"));
    CHECK(schemas.at("logs.definitions.line") == Json(JsonObject{{"type", "string"}}));
  }

  TEST_CASE("each parameter of a path is declared and required") {
    const auto paths = document().at("paths");
    const auto& parameters = paths.at("/a/{b}/c/{d}").at("delete").at("parameters").as_array();
    REQUIRE(parameters.size() == 2);
    CHECK(parameters[1].at("name") == Json("d"));
    CHECK(parameters[1].at("required") == Json(true));
  }

  TEST_CASE("PATCH takes both forms of patches, POST one document or many") {
    const auto paths = document().at("paths");
    CHECK(keys(paths.at("/notes/{id}").at("patch").at("requestBody").at("content")) ==
          Names{"application/json", "application/json-patch+json", "application/merge-patch+json"});
    const auto& post =
        paths.at("/notes").at("post").at("requestBody").at("content").at("application/json").at("schema").at("oneOf");
    CHECK(post.at(1).at("maxItems") == Json(1'000));
  }

  TEST_CASE("a configuration without resources or routes has a document too") {
    const auto config = config::load_text("version: 1", "nacre.yaml", "/");
    const auto root = *parse_json(describe::openapi(*config, {}, {}));
    CHECK(root.at("paths").as_object().empty());
    CHECK(root.at("servers").at(0).at("url") == Json("/"));
  }

  TEST_CASE("nothing of the store's place is told") {
    const auto config = config::load_text(kYaml, "nacre.yaml", "/srv");
    CHECK(describe::openapi(*config, routes, {}).find("secret-place") == std::string::npos);
    CHECK(describe::docs_page(*config, routes, {}).find("secret-place") == std::string::npos);
  }
}
