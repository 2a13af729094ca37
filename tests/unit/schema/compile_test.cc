#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "json/parse.h"
#include "schema/report.h"
#include "schema/schema.h"

using nacre::Error;
using nacre::Json;
using nacre::parse_json;
using nacre::schema::Schema;

namespace {

/// Where and what the mistake is ("/type must be …"); "" when there is none.
std::string mistake(const std::string& schema) {
  const auto value = parse_json(schema);
  REQUIRE_MESSAGE(value, schema);
  const auto result = Schema::compile(*value);
  if (result) return {};
  const nacre::Failure failure = result.error();
  CHECK(failure.error == Error::unprocessable);
  REQUIRE_FALSE(failure.errors.empty());
  const auto& error = failure.errors[0];
  CHECK(failure.detail.find(error.detail) != std::string::npos);
  return error.pointer + " " + error.detail;
}

std::vector<std::string> warnings(const std::string& schema) {
  const auto value = parse_json(schema);
  REQUIRE_MESSAGE(value, schema);
  nacre::schema::Documents documents{*value, "", nullptr};
  nacre::schema::Report report;
  Schema::compile(documents, report);
  CHECK(report.mistakes.empty());
  std::vector<std::string> texts;
  for (const auto& [place, detail] : report.warnings) texts.push_back(place.pointer + " " + detail);
  return texts;
}

bool starts(const std::string& text, const std::string& with) {
  CAPTURE(text);
  return text.starts_with(with);
}

}  // namespace

TEST_CASE("Every keyword of draft 7 is known, and one's own with x-") {
  CHECK(
      mistake(
          R"({"$schema":"http://json-schema.org/draft-07/schema#","$id":"http://example.com/a","$comment":"c","title":"t","description":"d",
    "type":"object","default":{},"examples":[{}],"readOnly":false,"writeOnly":false,"contentEncoding":"base64","contentMediaType":"a/b","x-mine":[1],
    "properties":{"a":{"type":["string","null"],"enum":["a",null],"minLength":0,"maxLength":9,"pattern":"^a","format":"email"},
      "b":{"const":1,"multipleOf":1,"minimum":0,"maximum":2,"exclusiveMinimum":-1,"exclusiveMaximum":3},
      "c":{"items":[true],"additionalItems":{},"minItems":0,"maxItems":3,"uniqueItems":true,"contains":true}},
    "required":["a"],"minProperties":0,"maxProperties":9,"patternProperties":{"^x":true},"additionalProperties":true,
    "dependencies":{"a":["b"],"b":{"required":["c"]}},"propertyNames":{"maxLength":9},"definitions":{"d":{"type":"null"}},
    "if":true,"then":true,"else":true,"allOf":[true],"anyOf":[true],"oneOf":[true],"not":false})") == "");
}

TEST_CASE("A keyword that is not known is a mistake at its place") {
  CHECK(mistake(R"({"properties":{"title":{"type":"string","minLenght":1}}})") ==
        "/properties/title/minLenght is not a keyword of JSON Schema draft 7 (did you mean \"minLength\"?); a keyword of one's "
        "own "
        "begins with x-");
  CHECK(starts(mistake(R"({"definitions":{"a":{"allOf":[{"Type":"string"}]}}})"),
               "/definitions/a/allOf/0/Type is not a keyword"));
  for (const std::string name : {"requird", "reqiured", "additionalproperties", "AdditionalProperties", "propertys", "enmu",
                                 "maxlength", "patern", "unqiueItems", "additionalPropertes", "allof", "ref"}) {
    CAPTURE(name);
    CHECK(mistake("{\"" + name + "\":1}").find("did you mean") != std::string::npos);
  }
}

TEST_CASE("What later drafts and others know is ignored, with one warning for each name") {
  for (const std::string name : {"$defs",
                                 "$anchor",
                                 "deprecated",
                                 "unevaluatedProperties",
                                 "dependentRequired",
                                 "minContains",
                                 "prefixItems",
                                 "id",
                                 "example",
                                 "nullable",
                                 "markdownDescription",
                                 "enumNames",
                                 "errorMessage",
                                 "discriminator",
                                 "types",
                                 "version",
                                 "kind",
                                 "name",
                                 "options",
                                 "order",
                                 "label",
                                 "tsType",
                                 "javaType",
                                 "comment"}) {
    CAPTURE(name);
    CHECK(mistake("{\"" + name + "\":{}}") == "");
  }
  const auto warned =
      warnings(R"({"deprecated":1,"properties":{"a":{"deprecated":2},"b":{"deprecated":3,"format":"color"}},"x-a":1,
    "$schema":"https://json-schema.org/draft/2020-12/schema","required":["_id"]})");
  REQUIRE(warned.size() == 3);
  CHECK(warned[0] == "/deprecated is not a keyword of JSON Schema draft 7, and ignored (here and in 2 more places)");
  CHECK(
      warned[1] ==
      "/$schema \"https://json-schema.org/draft/2020-12/schema\" is read as draft 7, http://json-schema.org/draft-07/schema#");
  CHECK(
      starts(warned[2], "/properties/b/format \"color\" is not a format of draft 7, and ignored; known are date-time, date, "));
}

TEST_CASE("All mistakes are found") {
  const auto value =
      parse_json(R"({"type":"objekt","properties":{"a":{"minimum":"1","pattern":"("},"b":1,"c":{"requird":[]}},"required":1})");
  const auto result = Schema::compile(*value);
  REQUIRE(!result);
  std::vector<std::string> pointers;
  for (const auto& error : result.error().errors) pointers.push_back(error.pointer);
  std::sort(pointers.begin(), pointers.end());
  CHECK(pointers == std::vector<std::string>{"/properties/a/minimum", "/properties/a/pattern", "/properties/b",
                                             "/properties/c/requird", "/required", "/type"});
}

TEST_CASE("A keyword with a value of the wrong form is a mistake at its place") {
  CHECK(mistake("[]") == " must be a schema: an object, true or false");
  CHECK(mistake(R"({"type":"text"})") == "/type must be null, boolean, integer, number, string, array or object");
  CHECK(mistake(R"({"type":["object","text"]})") == "/type/1 must be null, boolean, integer, number, string, array or object");
  CHECK(mistake(R"({"type":[]})") == "/type must be the name of a type or a list of them");
  CHECK(mistake(R"({"type":["object","object"]})") == "/type/1 stands twice");
  CHECK(mistake(R"({"type":1})") == "/type must be the name of a type or a list of them");
  CHECK(mistake(R"({"required":"a"})") == "/required must be an array");
  CHECK(mistake(R"({"required":["a",1]})") == "/required/1 must be a string");
  CHECK(mistake(R"({"required":["a","a"]})") == "/required/1 stands twice");
  CHECK(mistake(R"({"properties":[]})") == "/properties must be an object");
  CHECK(mistake(R"({"properties":{"a":1}})") == "/properties/a must be a schema: an object, true or false");
  CHECK(mistake(R"({"properties":{"a":{"maxLength":-1}}})") == "/properties/a/maxLength must be an integer of at least 0");
  CHECK(mistake(R"({"minItems":1.5})") == "/minItems must be an integer of at least 0");
  CHECK(mistake(R"({"maxItems":"3"})") == "/maxItems must be an integer of at least 0");
  CHECK(mistake(R"({"minimum":"0"})") == "/minimum must be a number");
  CHECK(mistake(R"({"exclusiveMinimum":true})") ==
        "/exclusiveMinimum must be a number; true or false is what draft 4 had, beside minimum and maximum");
  CHECK(mistake(R"({"multipleOf":0})") == "/multipleOf must be greater than 0");
  CHECK(mistake(R"({"multipleOf":-1})") == "/multipleOf must be greater than 0");
  CHECK(mistake(R"({"enum":{}})") == "/enum must be an array");
  CHECK(mistake(R"({"uniqueItems":1})") == "/uniqueItems must be true or false");
  CHECK(mistake(R"({"items":[]})") == "");
  CHECK(mistake(R"({"items":1})") == "/items must be a schema: an object, true or false");
  CHECK(mistake(R"({"allOf":{}})") == "/allOf must be an array");
  CHECK(mistake(R"({"anyOf":[]})") == "/anyOf must have at least one schema");
  CHECK(mistake(R"({"not":null})") == "/not must be a schema: an object, true or false");
  CHECK(mistake(R"({"dependencies":{"a":1}})") == "/dependencies/a must be a schema: an object, true or false");
  CHECK(mistake(R"({"title":1})") == "/title must be a string");
  CHECK(mistake(R"({"examples":1})") == "/examples must be an array");
  CHECK(mistake(R"({"definitions":{"unused":{"type":"x"}}})").starts_with("/definitions/unused/type "));
}

TEST_CASE("A pattern that is not a regular expression is a mistake that says why") {
  CHECK(starts(mistake(R"({"properties":{"a":{"pattern":"(a"}}})"),
               "/properties/a/pattern is not a regular expression of ECMA-262: at byte 2: a ( is not closed"));
  CHECK(
      starts(mistake(R"({"patternProperties":{"[":true}})"), "/patternProperties/[ is not a regular expression of ECMA-262: "));
  CHECK(starts(mistake(R"({"properties":{"a":{"pattern":")" + std::string(100, '(') + std::string(100, ')') + "\"}}}"),
               "/properties/a/pattern is not a regular expression of ECMA-262: "));
}

TEST_CASE("A required name that is not allowed is warned of where it stands") {
  const auto warned = warnings(R"({"properties":{"url":{},"a":{"required":["x","y"],"additionalProperties":false}},
    "patternProperties":{"^n_":{}},"required":["url","urll","n_x"],"additionalProperties":false})");
  REQUIRE(warned.size() == 3);
  CHECK(warned[0] == "/required/1 \"urll\" is required, but no property, and additionalProperties is false");
  CHECK(starts(warned[1], "/properties/a/required/0 \"x\" is required"));
  CHECK(starts(warned[2], "/properties/a/required/1 \"y\" is required"));
  CHECK(warnings(R"({"properties":{"url":{}},"required":["urll"]})").empty());
  CHECK(warnings(R"({"properties":{"url":{}},"required":["urll"],"additionalProperties":{}})").empty());
  CHECK(warnings(R"({"required":["urll"],"patternProperties":{"l$":{}},"additionalProperties":false})").empty());
}

TEST_CASE("Properties that documents can't have are warned of") {
  const auto warned = warnings(R"({"properties":{"$schema":{},"a":{"properties":{"a.b":{}}},"c\u0000":{}}})");
  REQUIRE(warned.size() == 3);
  CHECK(warned[0] == "/properties/$schema begins with _ or $, as no field of a document may");
  CHECK(starts(warned[1], std::string{"/properties/c\0 has . or NUL", 27}));
  CHECK(starts(warned[2], "/properties/a/properties/a.b has . or NUL in its name"));
}

TEST_CASE("A resource's schema allows objects") {
  CHECK(mistake(R"({"type":"array"})") == "/type must allow objects: a document is one");
  CHECK(mistake("false") == " must allow objects: a document is one");
  CHECK(mistake(R"({"allOf":[{"type":"string"}]})") == " must allow objects: a document is one");
  CHECK(mistake(R"({"anyOf":[{"type":"string"},{"enum":[1,2]}]})") == " must allow objects: a document is one");
  CHECK(mistake(R"({"enum":["a"]})") == " must allow objects: a document is one");
  CHECK(mistake("true") == "");
  CHECK(mistake("{}") == "");
  CHECK(mistake(R"({"type":["object","null"]})") == "");
  CHECK(mistake(R"({"$ref":"#/definitions/a","definitions":{"a":{"type":"object"}}})") == "");
}

TEST_CASE("References lead to places that exist, in this schema") {
  CHECK(mistake(R"({"properties":{"a":{"$ref":"#/definitions/b"}}})") ==
        "/properties/a/$ref refers to a place that does not exist");
  CHECK(mistake(R"({"properties":{"a":{"$ref":1}}})") == "/properties/a/$ref must be a string");
  for (const std::string reference : {"other.json", "http://example.com/x#", "#name", "#/a~2", "#/%zz", "#/%4"}) {
    CAPTURE(reference);
    CHECK(starts(mistake(R"({"properties":{"a":{"$ref":")" + reference + R"("}}})"), "/properties/a/$ref "));
  }
  CHECK(mistake(R"({"properties":{"a":{"$ref":"#/required"}},"required":["a"]})") ==
        "/required must be a schema: an object, true or false");
}

TEST_CASE("References that lead in a circle are mistakes, those through a document's levels are not") {
  CHECK(starts(mistake(R"({"$ref":"#"})"), "/$ref refers to itself"));
  CHECK(starts(
      mistake(
          R"({"properties":{"a":{"$ref":"#/definitions/b"}},"definitions":{"b":{"$ref":"#/definitions/c"},"c":{"$ref":"#/definitions/b"}}})"),
      "/properties/a/$ref refers to itself"));
  CHECK(mistake(R"({"allOf":[{"$ref":"#"}]})").find("refers back to itself for the same value") != std::string::npos);
  CHECK(mistake(R"({"definitions":{"a":{"not":{"anyOf":[{"$ref":"#/definitions/a"}]}}}})").find("refers back") !=
        std::string::npos);
  CHECK(mistake(R"({"definitions":{"a":{"if":{"$ref":"#/definitions/a"}}}})").find("refers back") != std::string::npos);
  CHECK(mistake(R"({"properties":{"a":{"$ref":"#"}},"items":{"$ref":"#"},"additionalProperties":{"$ref":"#"}})") == "");
  CHECK(mistake(R"({"definitions":{"a":{"properties":{"b":{"allOf":[{"$ref":"#/definitions/a"}]}}}}})") == "");
}

TEST_CASE("A schema nests only so deep") {
  std::string properties = "{}";
  std::string in_place = "{}";
  for (int i = 0; i < 28; ++i) {
    properties = R"({"properties":{"a":)" + properties + "}}";
    in_place = R"({"not":)" + in_place + "}";
  }
  CHECK(mistake(properties) == "");
  CHECK(mistake(in_place) == "");
  for (int i = 0; i < 8; ++i) in_place = R"({"not":)" + in_place + "}";
  CHECK(mistake(in_place).find("or through too many others") != std::string::npos);
}
