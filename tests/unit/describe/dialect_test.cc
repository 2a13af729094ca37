#include "describe/dialect.h"

#include <doctest/doctest.h>

#include <string>

#include "json/parse.h"

using namespace nacre;

namespace {

struct Translated {
  Json schema;
  JsonObject components;
};

JsonObject members() { return {{"_id", JsonObject{{"type", "string"}}}}; }

Translated translated(const std::string& schema) {
  const auto source = *parse_json(schema);
  Translated result;
  result.schema = describe::Dialect("notes", source, result.components).document({"new", members(), {}});
  return result;
}

/// What becomes of the schema of a field `a`.
Json field(const std::string& schema) {
  return translated(R"({"properties":{"a":)" + schema + "}}").schema.at("properties").at("a");
}

Json json(const char* text) { return *parse_json(text); }

Json reference(const std::string& name) { return JsonObject{{"$ref", "#/components/schemas/" + name}}; }

}  // namespace

TEST_SUITE("describe::Dialect") {
  TEST_CASE("keywords that both dialects have stay") {
    const auto* text =
        R"({"type":"string","minLength":1,"pattern":"^a","format":"date","title":"t","x-y":1,"default":"a","examples":["b"]})";
    CHECK(field(text) == json(text));
    CHECK(field(R"({"enum":[1,"a",{"$ref":"x"}]})") == json(R"({"enum":[1,"a",{"$ref":"x"}]})"));
  }

  TEST_CASE("an integer has 64 bits") {
    const auto both =
        json(R"({"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807,"format":"int64"})");
    CHECK(field(R"({"type":"integer"})") == both);
    CHECK(field(R"({"type":"integer","minimum":-1e30,"maximum":1e30})") == both);
    const auto nearer = field(R"({"type":["integer","null"],"minimum":0,"exclusiveMaximum":5})");
    CHECK(nearer.at("minimum") == Json(0));
    CHECK_FALSE(nearer.as_object().contains("maximum"));
    CHECK_FALSE(field(R"({"type":"number"})").as_object().contains("minimum"));
    CHECK_FALSE(field(R"({"type":["integer","number"]})").as_object().contains("minimum"));
  }

  TEST_CASE("lists of items are prefixItems, and additionalItems their items") {
    const auto tuple = field(R"({"type":"array","items":[{"type":"string"},false],"additionalItems":{"type":"boolean"}})");
    CHECK(tuple == json(R"({"type":"array","prefixItems":[{"type":"string"},false],"items":{"type":"boolean"}})"));
    CHECK(field(R"({"type":"array","items":[{"type":"string"}],"additionalItems":false})").at("items") == Json(false));
    const auto alone = field(R"({"type":"array","items":{"type":"string"},"additionalItems":false})");
    CHECK(alone == json(R"({"type":"array","items":{"type":"string"}})"));
  }

  TEST_CASE("dependencies are those on names and those on schemas") {
    const auto root = translated(R"({"dependencies":{"a":["b"],"c":{"required":["d"]}}})").schema;
    CHECK(root.at("dependentRequired") == json(R"({"a":["b"]})"));
    CHECK(root.at("dependentSchemas") == json(R"({"c":{"required":["d"]}})"));
    CHECK_FALSE(root.as_object().contains("dependencies"));
  }

  TEST_CASE("what stands beside $ref has no meaning and goes") {
    const auto root = translated(
        R"({"definitions":{"b":{"type":"string"}},"properties":{"a":{"$ref":"#/definitions/b","minLength":9,"title":"t"}}})");
    CHECK(root.schema.at("properties").at("a") == json(R"({"$ref":"#/components/schemas/notes.definitions.b","title":"t"})"));
    CHECK(root.components.at("notes.definitions.b") == json(R"({"type":"string"})"));
    CHECK_FALSE(root.schema.as_object().contains("definitions"));
  }

  TEST_CASE("keywords of other drafts mean nothing in draft 7, and must not come to mean something") {
    for (const auto* keyword : {"$defs", "prefixItems", "unevaluatedProperties", "dependentRequired", "minContains", "$anchor",
                                "$dynamicRef", "$id", "$schema", "nullable", "discriminator", "readOnly", "writeOnly"}) {
      CAPTURE(keyword);
      const auto translated_field = field(R"({"type":"string",")" + std::string(keyword) + R"(":true})");
      CHECK(translated_field == json(R"({"type":"string"})"));
    }
    CHECK(field(R"({"type":"string","format":"int32"})") == json(R"({"type":"string"})"));
  }

  TEST_CASE("references to odd names, to each other and to the whole lead to components") {
    const auto root = translated(R"({"definitions":{"a/b ~":{"$ref":"#/definitions/c"},"c":{"items":{"$ref":"#"}}},
                                     "properties":{"x":{"$ref":"#/definitions/a~1b%20~0"}}})");
    CHECK(root.schema.at("properties").at("x") == reference("notes.definitions.c"));
    CHECK(root.components.at("notes.definitions.c").at("items") == reference("notes.self"));
    CHECK(root.components.at("notes.self").at("properties").at("x") == reference("notes.definitions.c"));
    const auto alike = translated(R"({"definitions":{"a b":true,"a_b":false},
                                      "properties":{"x":{"$ref":"#/definitions/a%20b"},"y":{"$ref":"#/definitions/a_b"}}})");
    CHECK(alike.schema.at("properties").at("x") != alike.schema.at("properties").at("y"));
    CHECK(alike.components.size() == 2);
  }

  TEST_CASE("what draft 7 leaves open is bounded by the names that documents can have") {
    CHECK(field("true") == reference("Value"));
    CHECK(field("{}") == reference("Value"));
    CHECK(field("false") == Json(false));
    CHECK(field(R"({"description":"d"})") == json(R"({"description":"d","$ref":"#/components/schemas/Value"})"));
    CHECK(field(R"({"type":"array"})").at("items") == reference("Value"));
    const auto open = field(R"({"type":"object","propertyNames":{"maxLength":3}})");
    CHECK(open.at("additionalProperties") == reference("Value"));
    CHECK(open.at("propertyNames") == JsonObject{{"allOf", JsonArray{reference("Name"), JsonObject{{"maxLength", 3}}}}});
    CHECK_FALSE(field(R"({"type":"object","additionalProperties":false})").as_object().contains("propertyNames"));
  }

  TEST_CASE("a part of a schema says no more than it did") {
    CHECK(field(R"({"not":{"properties":{"b":true}},"type":"string"})").at("not") == json(R"({"properties":{"b":{}}})"));
    CHECK(field(R"({"anyOf":[true,{"minLength":1}],"type":"null"})").at("anyOf").at(0) == json("{}"));
  }

  TEST_CASE("the server's members don't count for the user's rules") {
    const auto closed = translated(R"({"type":["object","null"],"additionalProperties":false,"maxProperties":2})").schema;
    CHECK(closed == json(R"({"type":"object","additionalProperties":false,"maxProperties":3,
                             "properties":{"_id":{"type":"string"}}})"));
    const auto parts = translated(R"({"allOf":[{"additionalProperties":false,"propertyNames":{"maxLength":1}}]})").schema;
    CHECK(parts.at("allOf").at(0).at("properties") == json(R"({"_id":{}})"));
    CHECK(parts.at("allOf").at(0).at("propertyNames") == json(R"({"anyOf":[{"enum":["_id"]},{"maxLength":1}]})"));
    const auto patterns = translated(R"({"patternProperties":{"d$":{"type":"null"},"^x":{}}})").schema.at("patternProperties");
    CHECK(patterns.as_object().contains(R"(^(?!_)[\s\S]*?(?:d$))"));
    CHECK(patterns.as_object().contains("^x"));
  }

  TEST_CASE("values of the whole document are left out, since they lack the server's members") {
    const auto root =
        translated(R"({"default":{"a":1},"examples":[{"a":1}],"const":{"a":1},"enum":[{"a":1}],"title":"t"})").schema;
    for (const auto* keyword : {"default", "examples", "const", "enum"}) CHECK_FALSE(root.as_object().contains(keyword));
    CHECK(root.at("title") == Json("t"));
  }

  TEST_CASE("a document behind a reference has the server's members too") {
    const auto root = translated(R"({"$ref":"#/definitions/a","definitions":{"a":{"properties":{"b":{"$ref":"#"}}}}})");
    CHECK(root.schema == reference("notes.new.definitions.a"));
    CHECK(root.components.at("notes.new.definitions.a").at("properties").as_object().contains("_id"));
    const auto below = root.components.at("notes.new.definitions.a").at("properties").at("b");
    CHECK(below == reference("notes.definitions.a"));
    CHECK_FALSE(root.components.at("notes.definitions.a").at("properties").as_object().contains("_id"));
  }

  TEST_CASE("a merge patch deletes what need not be there, and leaves out what stays") {
    const auto source = json(R"({"type":"object","required":["a"],"additionalProperties":false,"minProperties":2,
      "properties":{"a":{"type":"string"},"b":{"type":"boolean"},"c":{"enum":[1]},"d":{"type":"object","required":["e"],
      "properties":{"e":{"type":"null"}}}}})");
    JsonObject components;
    const auto patch = describe::Dialect("notes", source, components).merge_patch({"patch", {}, {}});
    CHECK(patch.at("properties").at("a") == json(R"({"type":"string"})"));
    CHECK(patch.at("properties").at("b") == json(R"({"type":["boolean","null"]})"));
    CHECK(patch.at("properties").at("c") == json(R"({"anyOf":[{"enum":[1]},{"type":"null"}]})"));
    CHECK(patch.at("properties").at("d").at("type") == json(R"(["object","null"])"));
    CHECK_FALSE(patch.at("properties").at("d").as_object().contains("required"));
    CHECK(patch.at("additionalProperties") == json(R"({"type":"null"})"));
    CHECK_FALSE(patch.as_object().contains("minProperties"));
    CHECK_FALSE(patch.as_object().contains("required"));
  }

  TEST_CASE("a part of a document need not have what the whole has") {
    const auto part = describe::partial(json(R"({"type":"object","required":["a"],"oneOf":[{}],"properties":{
      "a":{"type":"object","required":["b"],"properties":{"b":{"type":"string","enum":["c"]}}},
      "d":{"type":"array","items":{"$ref":"#/x"}}}})"));
    CHECK(part == json(R"({"type":"object","properties":{
      "a":{"type":"object","properties":{"b":{"type":"string","enum":["c"]}}},"d":{"type":"array","items":{}}}})"));
  }
}
