#include "describe/list_parameters.h"

#include <doctest/doctest.h>

#include <string>

#include "config/load.h"

using namespace nacre;

namespace {

constexpr auto kListYaml = R"(version: 1
resources:
  notes:
    schema:
      type: object
      additionalProperties: false
      properties:
        title: { type: string, maxLength: 20 }
        due: { type: string, format: date-time }
        author: { type: object, properties: { name: { type: string, maxLength: 9 } } }
        steps: { type: array, items: { type: object, properties: { done: { type: boolean } } } }
        "a,b": { type: boolean }
    access: { read: public }
    page: { default: 7, max: 70 }
)";

std::shared_ptr<const config::Config> configured() { return config::load_text(kListYaml, "nacre.yaml", "/srv"); }

bool has(const Json& array, std::string_view text) {
  for (const auto& item : array.as_array()) {
    if (item == Json(text)) return true;
  }
  return false;
}

}  // namespace

TEST_SUITE("describe::list_parameters") {
  TEST_CASE("fields and sort name what a list can be asked for, and nothing else") {
    const auto config = configured();
    const auto parameters = describe::list_parameters(config->resources.front());
    const auto& fields = parameters.at("fields").at("schema").at("items").at("enum");
    for (const auto* name : {"_id", "_rev", "_owner", "title", "due", "author", "author.name", "steps.done"}) {
      CAPTURE(name);
      CHECK(has(fields, name));
    }
    CHECK_FALSE(has(fields, "a,b"));
    const auto& sort = parameters.at("sort").at("schema").at("items").at("enum");
    for (const auto* name : {"title", "-title", "-_created", "author.name"}) CHECK(has(sort, name));
    for (const auto* name : {"author", "steps", "-steps.done"}) CHECK_FALSE(has(sort, name));
  }

  TEST_CASE("a key of sort comes once, in one direction") {
    const auto config = configured();
    const auto schema = describe::list_parameters(config->resources.front()).at("sort").at("schema");
    for (const auto& once : schema.at("allOf").as_array()) {
      CHECK(once.at("contains").at("enum").as_array().size() == 2);
      CHECK(once.at("maxContains") == Json(1));
      CHECK(once.at("minContains") == Json(0));
    }
    CHECK(schema.at("maxItems") == Json(8));
  }

  TEST_CASE("limit has the resource's page sizes") {
    const auto config = configured();
    const auto limit = describe::list_parameters(config->resources.front()).at("limit").at("schema");
    CHECK(limit.at("default") == Json(7));
    CHECK(limit.at("maximum") == Json(70));
  }

  TEST_CASE("a filter names the fields, with the operators that each one takes") {
    const auto config = configured();
    const auto where = describe::where_schema(config->resources.front());
    const auto& members = where.at("properties").as_object();
    CHECK(members.contains("author.name"));
    CHECK(members.contains("$and"));
    CHECK_FALSE(members.contains("other"));
    CHECK(where.at("additionalProperties") == Json(false));
    CHECK(members.at("title").at("anyOf").at(1).at("$ref") == Json("#/components/schemas/Where.Operators"));
    CHECK(members.at("due").at("anyOf").at(1).at("$ref") == Json("#/components/schemas/Where.DateOperators"));
    const auto& match = members.at("steps").at("anyOf").at(1).at("properties").at("$elemMatch").at("anyOf");
    CHECK(match.at(1).at("properties").as_object().contains("done"));
    CHECK_FALSE(match.at(1).at("properties").as_object().contains("title"));
  }

  TEST_CASE("operators that a value can't have are left out") {
    const auto schemas = describe::where_schemas();
    CHECK(schemas.at("Where.Operators").at("properties").as_object().contains("$regex"));
    CHECK_FALSE(schemas.at("Where.DateOperators").at("properties").as_object().contains("$regex"));
    CHECK_FALSE(schemas.at("Where.Element").at("properties").as_object().contains("$exists"));
  }
}
