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

/// Every `$ref` below a value that is not a schema's own (those lead into the schema).
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
    CHECK(keys(paths.at("/notes")) == Names{"get", "head", "post"});
    CHECK(keys(paths.at("/notes/{id}")) == Names{"delete", "get", "head", "patch", "put"});
    CHECK(keys(paths.at("/logs")) == Names{"get", "head"});
    CHECK(keys(paths.at("/hello/{name}")) == Names{"get", "post"});
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
         {"notes.list", "notes.create", "notes.read", "notes.replace", "notes.update", "notes.remove", "logs.read"}) {
      CHECK(ids.contains(id));
    }
  }

  TEST_CASE("who may do it decides the security of an operation") {
    const auto paths = document().at("paths");
    CHECK_FALSE(paths.at("/notes").at("get").as_object().contains("security"));
    CHECK(paths.at("/notes").at("post").at("security").as_array().size() == 2);
    CHECK(paths.at("/notes/{id}").at("delete").at("description") == Json("For users of role editor."));
  }

  TEST_CASE("the limit parameter has the resource's page sizes") {
    const auto parameters = document().at("paths").at("/notes").at("get").at("parameters");
    const auto& list = parameters.as_array();
    const auto* limit = std::find_if(list.begin(), list.end(), [](const Json& parameter) {
      const auto* name = parameter.as_object().if_contains("name");
      return name != nullptr && *name == "limit";
    });
    REQUIRE(limit != list.end());
    CHECK(limit->at("schema").at("default") == Json(7));
    CHECK(limit->at("schema").at("maximum") == Json(70));
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

  TEST_CASE("every reference outside the users' schemas leads somewhere") {
    const auto root = document();
    std::set<std::string> found;
    collect_references(root, found);
    CHECK(found.size() > 20);
    for (const auto& reference : found) {
      CAPTURE(reference);
      if (reference == "#/definitions/line") continue;
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
    CHECK_FALSE(stored.as_object().contains("maxProperties"));
    CHECK(stored.at("additionalProperties") == Json(false));
    CHECK(keys(schemas.at("notes.new").at("properties")) == Names{"_id", "stars", "title"});
    CHECK(schemas.at("notes.new").at("required") == Json{"title"});
    CHECK(schemas.at("notes").at("maxProperties") == Json(5));
  }

  TEST_CASE("a user's schema keeps its dialect and its own base for references") {
    const auto schemas = document().at("components").at("schemas");
    CHECK(schemas.at("logs").at("$schema") == Json("http://json-schema.org/draft-07/schema#"));
    CHECK(schemas.at("logs").at("$id") == Json("urn:nacre:logs"));
    CHECK(schemas.at("logs.document").at("$id") == Json("urn:nacre:logs:document"));
    CHECK(schemas.at("logs.document").as_object().contains("definitions"));
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
