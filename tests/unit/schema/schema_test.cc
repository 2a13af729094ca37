#include "schema/schema.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "json/parse.h"

using nacre::FieldError;
using nacre::Json;
using nacre::parse_json;
using nacre::schema::Schema;

namespace {

Json json(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE_MESSAGE(value, text);
  return *value;
}

/// The schema of a resource whose property `v` has this schema.
Schema of_property(const std::string& schema) {
  auto result = Schema::compile(json(R"({"type":"object","properties":{"v":)" + schema + "}}"));
  REQUIRE_MESSAGE(result.has_value(), schema << ": " << result.error().detail);
  return std::move(*result);
}

/// All errors of `v`, as "pointer detail" lines; the pointer is below /v. Empty: valid.
std::string judge(const std::string& schema, const std::string& value) {
  std::string text;
  for (const FieldError& error : of_property(schema).validate(json("{\"v\":" + value + "}"))) {
    REQUIRE(error.pointer.starts_with("/v"));
    if (!text.empty()) text += '\n';
    text += error.pointer.substr(2) + " " + error.detail;
  }
  return text;
}

bool valid(const std::string& schema, const std::string& value) { return judge(schema, value).empty(); }

Schema notes() {
  return *Schema::compile(json(R"({
    "type": "object", "required": ["title"], "additionalProperties": false,
    "properties": {
      "title": {"type": "string", "minLength": 1, "maxLength": 200},
      "body": {"type": "string", "maxLength": 20000},
      "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
      "pinned": {"type": "boolean"},
      "stars": {"type": "integer", "minimum": 0},
      "due": {"type": "string", "format": "date-time"}}})"));
}

std::vector<FieldError> errors_of(const Schema& schema, std::string_view document) { return schema.validate(json(document)); }

std::string normalize(const Schema& schema, Json& document) {
  nacre::schema::Effort effort;
  std::string text;
  for (const FieldError& error : schema.normalize(document, effort)) text += error.pointer + " " + error.detail + "\n";
  return text;
}

}  // namespace

TEST_CASE("A document of the contract's example is judged place by place") {
  const Schema schema = notes();
  CHECK(errors_of(schema, R"({"title":"A","tags":["x"],"pinned":true,"stars":3,"due":"2026-01-02T03:04:05Z"})").empty());
  CHECK(errors_of(schema, "{}") == std::vector<FieldError>{{"/title", "is required"}});
  CHECK(errors_of(schema, R"({"title":"A","colour":"red"})") == std::vector<FieldError>{{"/colour", "is not allowed"}});
  CHECK(errors_of(schema, R"({"title":"A","stars":"many"})") == std::vector<FieldError>{{"/stars", "must be an integer"}});
  CHECK(errors_of(schema, R"({"title":"","stars":-1,"due":"soon","tags":["a",2]})") ==
        std::vector<FieldError>{{"/title", "must have at least 1 character"},
                                {"/stars", "must be at least 0"},
                                {"/due", "must be a date and time of RFC 3339, like 2026-01-02T03:04:05Z"},
                                {"/tags/1", "must be a string"}});
  CHECK(errors_of(schema, R"({"title":"A","":1,"a/b":2})") ==
        std::vector<FieldError>{{"/", "is not allowed"}, {"/a~1b", "is not allowed"}});
  CHECK(errors_of(schema, R"({"title":")" + std::string(201, 'x') + "\"}") ==
        std::vector<FieldError>{{"/title", "must have at most 200 characters"}});
  CHECK(errors_of(schema, "[]") == std::vector<FieldError>{{"", "must be an object"}});
}

TEST_CASE("At most 50 errors are reported") {
  const Schema schema = notes();
  std::string text = R"({"title":"A")";
  for (int i = 0; i < 500; ++i) text += ",\"n" + std::to_string(i) + "\":1";
  CHECK(errors_of(schema, text + "}").size() == 50);
}

TEST_CASE("type: names and lists of names; a number without a fraction is an integer") {
  CHECK(valid(R"({"type":"integer"})", "1.0"));
  CHECK(valid(R"({"type":"integer"})", "-3"));
  CHECK(judge(R"({"type":"integer"})", "1.5") == " must be an integer");
  CHECK(valid(R"({"type":"number"})", "1"));
  CHECK(judge(R"({"type":"number"})", "\"1\"") == " must be a number");
  CHECK(judge(R"({"type":["string","null"]})", "1") == " must be a string or null");
  CHECK(judge(R"({"type":["object","null","boolean"]})", "[]") == " must be true or false, an object or null");
  CHECK(judge(R"({"type":["number","integer"]})", "null") == " must be a number");
  CHECK(judge("false", "1") == " is not allowed");
  CHECK(valid("true", "1"));
  CHECK(valid("{}", "[1]"));
}

TEST_CASE("enum and const compare by value") {
  CHECK(judge(R"({"enum":["red","green"]})", "\"blue\"") == " must be one of \"red\", \"green\"");
  CHECK(valid(R"({"enum":[1,null,{"a":[1]}]})", R"({"a":[1.0]})"));
  CHECK(valid(R"({"enum":[1]})", "1.0"));
  CHECK_FALSE(valid(R"({"enum":[0]})", "false"));
  CHECK(judge(R"({"const":{"a":1}})", "{}") == R"( must be {"a":1})");
  CHECK(valid(R"({"const":null})", "null"));
  CHECK(judge(R"({"enum":[")" + std::string(300, 'x') + "\",1]}", "2") == " must be one of the 2 values that are allowed");
}

TEST_CASE("Bounds of numbers are exact") {
  CHECK(judge(R"({"minimum":0})", "-1") == " must be at least 0");
  CHECK(judge(R"({"maximum":2.5})", "3") == " must be at most 2.5");
  CHECK(judge(R"({"exclusiveMinimum":0})", "0") == " must be greater than 0");
  CHECK(judge(R"({"exclusiveMaximum":10})", "10.0") == " must be less than 10");
  CHECK(valid(R"({"minimum":9007199254740993})", "9007199254740993"));
  CHECK_FALSE(valid(R"({"minimum":9007199254740993})", "9007199254740992"));
  CHECK_FALSE(valid(R"({"maximum":9223372036854775806})", "9223372036854775807"));
  CHECK(valid(R"({"minimum":5})", "\"not a number\""));
}

TEST_CASE("multipleOf is decided on the digits that people write") {
  CHECK(valid(R"({"multipleOf":0.1})", "0.3"));
  CHECK(valid(R"({"multipleOf":0.01})", "19.99"));
  CHECK(valid(R"({"multipleOf":0.0001})", "0.0075"));
  CHECK(judge(R"({"multipleOf":0.0001})", "0.00751") == " must be a multiple of 1e-04");
  CHECK(valid(R"({"multipleOf":3})", "9223372036854775806") == (9223372036854775806 % 3 == 0));
  CHECK_FALSE(valid(R"({"multipleOf":2})", "9223372036854775807"));
  CHECK(valid(R"({"multipleOf":2})", "-9223372036854775808"));
  CHECK(valid(R"({"multipleOf":2})", "0"));
  CHECK(valid(R"({"multipleOf":0.5})", "1e308"));
  CHECK(valid(R"({"multipleOf":1e-300})", "1"));
  CHECK_FALSE(valid(R"({"multipleOf":1e300})", "1e-300"));
  CHECK_FALSE(valid(R"({"multipleOf":0.123456789})", "1e308"));
}

TEST_CASE("The length of a string is counted in code points") {
  CHECK(valid(R"({"maxLength":2})", "\"é😀\""));
  CHECK(judge(R"({"maxLength":1})", "\"é😀\"") == " must have at most 1 character");
  CHECK(judge(R"({"minLength":3})", "\"é😀\"") == " must have at least 3 characters");
  CHECK(valid(R"({"maxLength":1.0})", "\"x\""));
}

TEST_CASE("pattern: searched anywhere, as ECMA-262 writes it, on code points") {
  CHECK(valid(R"({"pattern":"b"})", "\"abc\""));
  CHECK(judge(R"({"pattern":"^b"})", "\"abc\"") == " must match the pattern ^b");
  CHECK(valid(R"({"pattern":"^.$"})", "\"😀\""));
  CHECK_FALSE(valid(R"({"pattern":"^a$"})", "\"a\\n\""));
  CHECK(valid(R"({"pattern":"^\\u00e9[^]$"})", "\"é\\n\""));
  CHECK(valid(R"({"pattern":"^\\p{Lu}"})", "\"Éa\""));
  CHECK_FALSE(valid(R"({"pattern":"^\\d+$"})", "\"٣\""));
  CHECK(valid(R"({"pattern":"^[a-z]+$"})", "7"));
}

TEST_CASE("A pattern that backtracks without end gives up, however many texts there are") {
  const std::string schema = R"({"type":"array","items":{"pattern":"^(a+)+$"}})";
  std::string items = "[";
  for (int i = 0; i < 1000; ++i) items += "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\",";
  items.back() = ']';
  const auto errors = of_property(schema).validate(json("{\"v\":" + items + "}"));
  CHECK(errors == std::vector<FieldError>{{"", "is too complex to be checked"}});
  CHECK(valid(R"({"pattern":"^(.*,)*x$"})", "\"" + std::string(20000, 'y') + ",x\""));
}

TEST_CASE("Items: a list of schemas, one for all, additional ones") {
  CHECK(judge(R"({"items":{"type":"integer"}})", R"([1,"a",2,null])") == "/1 must be an integer\n/3 must be an integer");
  CHECK(judge(R"({"items":[{"type":"integer"},{"type":"string"}]})", R"(["a",1])") ==
        "/0 must be an integer\n/1 must be a string");
  CHECK(valid(R"({"items":[{"type":"integer"}]})", R"([1,"anything"])"));
  CHECK(judge(R"({"items":[true],"additionalItems":false})", "[1,2]") == "/1 is not allowed");
  CHECK(valid(R"({"items":{},"additionalItems":false})", "[1,2]"));
  CHECK(valid(R"({"additionalItems":false})", "[1,2]"));
  CHECK(judge(R"({"minItems":2})", "[1]") == " must have at least 2 items");
  CHECK(judge(R"({"maxItems":1})", "[1,2]") == " must have at most 1 item");
  CHECK(judge(R"({"contains":{"const":5}})", "[1,2]") == " must have an item of the form that is asked for");
  CHECK(valid(R"({"contains":{"const":5}})", "[1,5]"));
}

TEST_CASE("uniqueItems compares by value and is not quadratic") {
  CHECK(judge(R"({"uniqueItems":true})", "[1,2,1.0]") == " must not have equal items");
  CHECK_FALSE(valid(R"({"uniqueItems":true})", R"([{"a":1,"b":2},{"b":2,"a":1}])"));
  CHECK(valid(R"({"uniqueItems":true})", R"([1,true,"1",[1],{"a":1},0,false,null,[],{}])"));
  CHECK(valid(R"({"uniqueItems":false})", "[1,1]"));
  std::string objects = "[";
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":" + std::to_string(i) + "},";
  CHECK(valid(R"({"uniqueItems":true})", objects + "{\"a\":-1}]"));
  CHECK_FALSE(valid(R"({"uniqueItems":true})", objects + "{\"a\":0}]"));
}

TEST_CASE("Members: counted, required, named, matched by patterns, additional") {
  CHECK(judge(R"({"minProperties":1})", "{}") == " must have at least 1 member");
  CHECK(judge(R"({"maxProperties":1})", R"({"a":1,"b":2})") == " must have at most 1 member");
  CHECK(judge(R"({"required":["a","b/c"]})", "{}") == "/a is required\n/b~1c is required");
  const std::string schema =
      R"({"properties":{"a":{"type":"integer"}},"patternProperties":{"^n":{"type":"null"},"x$":{"const":null}},"additionalProperties":{"type":"string"}})";
  CHECK(valid(schema, R"({"a":1,"nx":null,"z":"s"})"));
  CHECK(judge(schema, R"({"a":"s","n":1,"z":2})") == "/a must be an integer\n/n must be null\n/z must be a string");
  CHECK(judge(schema, R"({"nx":1})") == "/nx must be null\n/nx must be null");
  CHECK(judge(R"({"propertyNames":{"pattern":"^[a-z]+$"}})", R"({"ok":1,"NOT":2})") == "/NOT has a name that is not allowed");
  CHECK(valid(R"({"properties":{"a":false}})", "{}"));
  CHECK(judge(R"({"properties":{"a":false}})", R"({"a":1})") == "/a is not allowed");
}

TEST_CASE("dependencies: other properties, or a schema") {
  CHECK(judge(R"({"dependencies":{"card":["address"]}})", R"({"card":1})") == "/address is required");
  CHECK(valid(R"({"dependencies":{"card":["address"]}})", "{}"));
  CHECK(judge(R"({"dependencies":{"card":{"required":["cvc"]}}})", R"({"card":1})") == "/cvc is required");
  CHECK(valid(R"({"dependencies":{"card":{"required":["cvc"]}}})", R"({"card":1,"cvc":2})"));
}

TEST_CASE("Combinations, and the better answer where just one branch is meant") {
  CHECK(judge(R"({"allOf":[{"minimum":2},{"multipleOf":3}]})", "1") == " must be at least 2\n must be a multiple of 3");
  CHECK(valid(R"({"anyOf":[{"type":"string"},{"minimum":5}]})", "7"));
  CHECK(judge(R"({"anyOf":[{"type":"integer","maximum":1},{"minimum":5}]})", "3") ==
        " must have one of the forms that are allowed");
  CHECK(judge(R"({"anyOf":[{"type":"string","maxLength":2},{"type":"null"}]})", "\"abc\"") ==
        " must have at most 2 characters");
  CHECK(judge(R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "1") == " must have one of the forms that are allowed");
  CHECK(valid(R"({"oneOf":[{"multipleOf":2},{"multipleOf":3}]})", "4"));
  CHECK(judge(R"({"oneOf":[{"multipleOf":2},{"multipleOf":3}]})", "6") ==
        " must have exactly one of the forms that are allowed");
  CHECK(judge(R"({"oneOf":[{"type":"object","required":["a"]},{"type":"array"}]})", "{}") == "/a is required");
  CHECK(judge(R"({"not":{"type":"string"}})", "\"x\"") == " has a form that is not allowed");
  const std::string conditional =
      R"({"if":{"properties":{"k":{"const":1}},"required":["k"]},"then":{"required":["a"]},"else":{"required":["b"]}})";
  CHECK(judge(conditional, R"({"k":1})") == "/a is required");
  CHECK(judge(conditional, R"({"k":2})") == "/b is required");
  CHECK(valid(R"({"then":false,"else":false})", "1"));
}

TEST_CASE("$ref leads to any place in the schema, also back to itself") {
  const auto schema = Schema::compile(
      json(R"({"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#"}},
    "next":{"$ref":"#/definitions/a%20b~1c"}},"definitions":{"a b/c":{"$ref":"#/properties/name"}}})"));
  REQUIRE(schema.has_value());
  CHECK(errors_of(*schema, R"({"name":"a","children":[{"name":"b","children":[{"name":"c"}]}],"next":"x"})").empty());
  CHECK(errors_of(*schema, R"({"children":[{"children":[{"name":1}]}]})") ==
        std::vector<FieldError>{{"/children/0/children/0/name", "must be a string"}});
  CHECK(errors_of(*schema, R"({"next":1})") == std::vector<FieldError>{{"/next", "must be a string"}});
}

TEST_CASE("What would take exponential time is too complex instead") {
  const auto schema = Schema::compile(json(R"({"type":"object","definitions":{"node":{"anyOf":[
    {"type":"object","properties":{"c":{"$ref":"#/definitions/node"}}},
    {"type":"object","properties":{"c":{"$ref":"#/definitions/node"}}}]}},
    "properties":{"c":{"$ref":"#/definitions/node"}}})"));
  REQUIRE(schema.has_value());
  std::string text = "1";
  for (int i = 0; i < 60; ++i) text = "{\"c\":" + text + "}";
  CHECK(errors_of(*schema, text) == std::vector<FieldError>{{"", "is too complex to be checked"}});
}

TEST_CASE("The deepest document is judged by a schema that takes several steps for each level") {
  const auto schema = Schema::compile(
      json(R"({"type":"object","properties":{"c":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"additionalProperties":false})"));
  REQUIRE(schema.has_value());
  std::string good = "null";
  std::string bad = "1";
  for (int i = 0; i < 64; ++i) {
    good = "{\"c\":" + good + "}";
    bad = "{\"c\":" + bad + "}";
  }
  CHECK(errors_of(*schema, good).empty());
  CHECK(errors_of(*schema, bad).size() == 1);
}

TEST_CASE("normalize writes dates in UTC wherever the schema says that they are dates") {
  const auto schema = Schema::compile(json(R"({"type":"object","definitions":{"date":{"type":"string","format":"date-time"}},
    "properties":{"due":{"type":"string","format":"date-time"},"log":{"type":"array","items":{"type":"object","properties":{"at":{"$ref":"#/definitions/date"}}}},
    "either":{"anyOf":[{"type":"string","format":"date-time"},{"type":"string","maxLength":5}]},"all":{"allOf":[{"$ref":"#/definitions/date"}]},
    "text":{"type":"string"}}})"));
  REQUIRE(schema.has_value());
  Json document = json(
      R"({"due":"2026-01-02T03:04:05+01:00","log":[{"at":"2026-01-02t00:00:00z"},{}],"either":"2026-01-02T00:00:00.123456Z",
    "all":"1998-12-31T23:59:60Z","text":"2026-01-02T03:04:05+01:00"})");
  REQUIRE(normalize(*schema, document).empty());
  CHECK(
      document ==
      json(
          R"({"due":"2026-01-02T02:04:05.000Z","log":[{"at":"2026-01-02T00:00:00.000Z"},{}],"either":"2026-01-02T00:00:00.123Z",
    "all":"1999-01-01T00:00:00.000Z","text":"2026-01-02T03:04:05+01:00"})"));
  Json other = json(R"({"either":"short"})");
  REQUIRE(normalize(*schema, other).empty());
  CHECK(other == json(R"({"either":"short"})"));
}

TEST_CASE("normalize makes a number an integer wherever the schema says that it must be one") {
  const auto schema = Schema::compile(json(R"({"type":"object","definitions":{"count":{"type":"integer"}},"properties":{
    "stars":{"type":"integer","minimum":0},"list":{"type":"array","items":{"type":["integer","null"]}},
    "tuple":{"items":[{"type":"number"},{"$ref":"#/definitions/count"}]},
    "deep":{"properties":{"count":{"$ref":"#/definitions/count"}}},"all":{"allOf":[{"minimum":0},{"type":"integer"}]},
    "any":{"anyOf":[{"type":"string"},{"type":"integer","maximum":9},{"type":"number","minimum":5}]},
    "one":{"oneOf":[{"type":"integer"},{"type":"boolean"}]},"not":{"not":{"not":{"type":"integer"}}},
    "if":{"if":{"minimum":3},"then":{"type":"integer"}},"some":{"contains":{"type":"integer"}},
    "number":{"type":"number"},"free":{}},"patternProperties":{"^n_":{"type":"integer"}}})"));
  REQUIRE(schema.has_value());
  const auto normal = [&](std::string_view text) {
    Json document = json(text);
    CHECK(normalize(*schema, document) == "");
    std::string out;
    nacre::append_json(out, document);
    return out;
  };
  CHECK(normal(R"({"stars":1.0})") == R"({"stars":1})");
  CHECK(normal(R"({"stars":-0.0})") == R"({"stars":0})");
  CHECK(normal(R"({"stars":12e2,"n_x":3.0})") == R"({"stars":1200,"n_x":3})");
  CHECK(normal(R"({"list":[1.0,null,2,3e0],"tuple":[1.0,1.0,1.0]})") == normal(R"({"list":[1,null,2,3],"tuple":[1.0,1,1.0]})"));
  CHECK(normal(R"({"deep":{"count":2.0}})") == R"({"deep":{"count":2}})");
  CHECK(normal(R"({"all":2.0,"any":7.0,"one":5.0})") == R"({"all":2,"any":7,"one":5})");
  for (const std::string untouched : {R"({"any":12.0})", R"({"not":1.0})", R"({"some":[1.0,2.0]})", R"({"number":1.0})",
                                      R"({"free":1.0})", R"({"if":1.0})"}) {
    std::string out;
    nacre::append_json(out, json(untouched));
    CHECK(normal(untouched) == out);
  }
  CHECK(normal(R"({"if":3.0})") == R"({"if":3})");
}

TEST_CASE("normalize refuses an integer that 64 bits can't hold, and validate takes it") {
  const auto schema = Schema::compile(json(R"({"type":"object","properties":{"v":{"type":"integer"},
    "list":{"items":{"anyOf":[{"type":"integer"},{"type":"boolean"}]}},
    "either":{"anyOf":[{"type":"integer"},{"type":"number"}]}}})"));
  REQUIRE(schema.has_value());
  const std::string range = " must be an integer from -9223372036854775808 to 9223372036854775807\n";
  for (const char* value : {"1e300", "-1e300", "9223372036854775808.0", "-9223372036854777856.0"}) {
    Json document = json(std::string(R"({"v":)") + value + R"(,"list":[1.0,)" + value + "]}");
    CHECK(schema->validate(document).empty());
    CHECK(normalize(*schema, document) == "/v" + range + "/list/1" + range);
  }
  Json either = json(R"({"either":1e300})");
  CHECK(normalize(*schema, either) == "");
  CHECK(either == json(R"({"either":1e300})"));
  Json least = json(R"({"v":-9223372036854775808.0})");
  CHECK(normalize(*schema, least) == "");
  CHECK(least.at("v").as_int64() == std::numeric_limits<std::int64_t>::min());
  Json most = json(R"({"v":9223372036854774784.0})");
  CHECK(normalize(*schema, most) == "");
  CHECK(most.at("v").as_int64() == 9223372036854774784);
}

TEST_CASE("An integer that 64 bits can't hold is one to every keyword, and is refused only where it must be one") {
  const auto judged = [](const std::string& schema, const char* value = "1e19") {
    Json document = json(std::string(R"({"v":)") + value + "}");
    return normalize(of_property(schema), document);
  };
  const std::string range = "/v must be an integer from -9223372036854775808 to 9223372036854775807\n";
  CHECK(judged(R"({"not":{"type":"integer"}})") == "/v has a form that is not allowed\n");
  CHECK(judged(R"({"not":{"anyOf":[{"type":"integer"},{"type":"null"}]}})") == "/v has a form that is not allowed\n");
  CHECK(judged(R"({"if":{"type":"integer"},"then":{"maximum":10}})") == "/v must be at most 10\n");
  CHECK(judged(R"({"if":{"type":"integer"},"then":{"minimum":10},"else":false})") == "");
  CHECK(judged(R"({"oneOf":[{"type":"integer"},{"type":"number","minimum":1e18}]})") ==
        "/v must have exactly one of the forms that are allowed\n");
  CHECK(judged(R"({"oneOf":[{"type":"integer"},{"type":"number","maximum":1e18}]})") == range);
  CHECK(judged(R"({"oneOf":[{"type":"integer"},{"type":"number","not":{"type":"integer"}}]})") == range);
  CHECK(judged(R"({"anyOf":[{"type":"integer"},{"type":"string"},{"type":"integer","minimum":1}]})") == range);
  CHECK(judged(R"({"anyOf":[{"type":"number"},{"type":"integer"}]})") == "");
  CHECK(judged(R"({"anyOf":[{"anyOf":[{"type":"integer"},{"type":"number"}]},{"type":"integer"}]})") == "");
  CHECK(judged(R"({"type":"integer","anyOf":[{"type":"integer"},{"type":"number"}]})") == range);
  CHECK(judged(R"({"allOf":[{"type":"number"},{"type":"integer"}]})") == range);
  CHECK(judged(R"({"contains":{"type":"integer"}})", "[1e19]") == "");
  CHECK(judged(R"({"not":{"contains":{"type":"integer"}}})", "[1e19]") == "/v has a form that is not allowed\n");
  CHECK(judged(R"({"items":{"properties":{"a/b":{"type":"integer"}}}})", R"([{"a/b":1e19},{"x":1e19},{"a/b":1e19}])") ==
        "/v/0/a~1b must be an integer from -9223372036854775808 to 9223372036854775807\n"
        "/v/2/a~1b must be an integer from -9223372036854775808 to 9223372036854775807\n");
}

TEST_CASE("A schema can be moved") {
  Schema first = notes();
  Schema second = std::move(first);
  first = std::move(second);
  CHECK(errors_of(first, R"({"title":"A"})").empty());
}

TEST_CASE("Branches that look at one long text again and again are too complex, and so are those at a wide object") {
  const auto schema =
      Schema::compile(json(R"({"type":"object","properties":{"v":{"$ref":"#/definitions/t"}},"definitions":{"t":{"anyOf":[
    {"properties":{"n":{"$ref":"#/definitions/t"},"s":{"maxLength":1}}},
    {"properties":{"n":{"$ref":"#/definitions/t"},"s":{"minLength":2}}},
    {"properties":{"n":{"$ref":"#/definitions/t"}},"required":["x"]}]}}})"));
  REQUIRE(schema.has_value());
  std::string text = R"({"s":")" + std::string(60'000, 'x') + "\"}";
  for (int i = 0; i < 12; ++i) text = "{\"n\":" + text + ",\"s\":\"" + std::string(4'000, 'x') + "\"}";
  CHECK(errors_of(*schema, "{\"v\":" + text + "}") == std::vector<FieldError>{{"", "is too complex to be checked"}});
}

TEST_CASE("The pointers of all errors together are bounded") {
  const Schema schema = of_property(R"({"additionalProperties":{"additionalProperties":false}})");
  std::string members;
  for (int i = 0; i < 100; ++i) members += ",\"" + std::to_string(i) + "\":1";
  const auto errors = schema.validate(json(R"({"v":{")" + std::string(50'000, 'x') + "\":{" + members.substr(1) + "}}}"));
  CHECK(errors.size() == 2);
}
