#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "json/parse.h"
#include "schema/schema.h"

using namespace nacre::schema;  // NOLINT: the bits of Type

namespace {

Schema compiled(std::string_view text) {
  const auto json = nacre::parse_json(text);
  REQUIRE(json);
  auto schema = Schema::compile(*json);
  REQUIRE(schema.has_value());
  return std::move(*schema);
}

Schema library() {
  return compiled(R"({"type":"object",
    "definitions":{"person":{"type":"object","properties":{"name":{"type":"string"},"born":{"type":"string","format":"date-time"},
                                                           "friends":{"type":"array","items":{"$ref":"#/definitions/person"}}}}},
    "allOf":[{"properties":{"extra":{"type":"boolean"}}}],
    "properties":{
      "title":{"type":"string"},"stars":{"type":"integer"},"price":{"type":"number"},"due":{"type":"string","format":"date-time"},
      "maybe":{"anyOf":[{"type":"string","format":"date-time"},{"type":"null"}]},
      "mixed":{"anyOf":[{"type":"string","format":"date-time"},{"type":"string"}]},
      "author":{"$ref":"#/definitions/person"},"tags":{"type":"array","items":{"type":"string"}},
      "dates":{"type":"array","items":{"type":"string","format":"date-time"}},
      "items":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"at":{"type":"string","format":"date-time"}}}},
      "pair":{"type":"array","items":[{"type":"string"},{"type":"integer"}]},
      "any":{},"list":{"type":"array"},"open":{"type":"object","additionalProperties":true},
      "scores":{"type":"object","additionalProperties":{"type":"integer"}},"colour":{"enum":["red",null]},
      "nested":{"type":"array","items":{"type":"array","items":{"type":"object","properties":{"x":{"type":"integer"}}}}}}})");
}

}  // namespace

TEST_CASE("A field has the types that the schema gives it") {
  const Schema schema = library();
  REQUIRE(schema.field("title"));
  CHECK(schema.field("title")->types == kString);
  CHECK(schema.field("stars")->types == kInteger);
  CHECK(schema.field("price")->types == (kNumber | kInteger));
  CHECK(schema.field("any")->types == kAny);
  CHECK(schema.field("extra")->types == kBoolean);
  CHECK(schema.field("colour")->types == (kString | kNull));
  CHECK(schema.field("maybe")->types == (kString | kNull));
  CHECK_FALSE(schema.field("title")->date_time);
  CHECK_FALSE(schema.field("title")->through_array);
  CHECK(schema.field("title")->item_types == 0);
}

TEST_CASE("A field is a date only where every string in it is one") {
  const Schema schema = library();
  CHECK(schema.field("due")->date_time);
  CHECK(schema.field("maybe")->date_time);
  CHECK_FALSE(schema.field("mixed")->date_time);
  CHECK(schema.field("author.born")->date_time);
  CHECK(schema.field("items.at")->date_time);
}

TEST_CASE("Arrays: the types of their items, and paths through them") {
  const Schema schema = library();
  CHECK(schema.field("tags")->types == kArray);
  CHECK(schema.field("tags")->item_types == kString);
  CHECK(schema.field("dates")->item_date_time);
  CHECK_FALSE(schema.field("dates")->date_time);
  CHECK(schema.field("list")->item_types == kAny);
  CHECK(schema.field("pair")->item_types == (kString | kInteger));
  REQUIRE(schema.field("items.name"));
  CHECK(schema.field("items.name")->types == kString);
  CHECK(schema.field("items.name")->through_array);
  CHECK(schema.field("author.friends.friends.name")->through_array);
  CHECK_FALSE(schema.field("author.name")->through_array);
  CHECK_FALSE(schema.field("nested.x"));
}

TEST_CASE("What the schema does not name is no field") {
  const Schema schema = library();
  for (const std::string path : {"", ".", "nothing", "title.x", "author.nothing", "author.", ".author", "author..name",
                                 "items.0", "items.0.name", "any.x", "open.x", "Title", "list.x", "_id"}) {
    CAPTURE(path);
    CHECK_FALSE(schema.field(path));
  }
  REQUIRE(schema.field("scores.alice"));
  CHECK(schema.field("scores.alice")->types == kInteger);
}

TEST_CASE("The deepest path and the most branches end at once") {
  const Schema schema = compiled(
      R"({"type":"object","properties":{"a":{"$ref":"#"},"b":{"anyOf":[{"$ref":"#"},{"allOf":[{"$ref":"#"}]},{"oneOf":[{"$ref":"#"}]}]}}})");
  std::string deep = "a";
  std::string branching = "b";
  for (int i = 0; i < 30; ++i) {
    deep += ".a";
    branching += ".b";
  }
  CHECK(schema.field(deep));
  CHECK(schema.field(branching));
  CHECK_FALSE(schema.field(branching + ".x"));
  for (int i = 0; i < 100'000; ++i) deep += ".a";
  CHECK_FALSE(schema.field(deep));
}

TEST_CASE("All named dates are listed, each once") {
  CHECK(library().date_time_paths() == std::vector<std::string>{"author.born", "dates", "due", "items.at", "maybe", "mixed"});
  CHECK(compiled("{}").date_time_paths().empty());
}

TEST_CASE("what a closed schema does not name, no document has") {
  const auto schema = compiled(R"({"type":"object","additionalProperties":false,"patternProperties":{"^x":{}},"properties":{
    "title":{"type":"string"},"author":{"type":"object","additionalProperties":false,"properties":{"name":{}}},"open":{},
    "items":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"n":{}}}},"none":false,
    "either":{"anyOf":[{"type":"string"},{"type":"object","additionalProperties":false,"properties":{"a":{}}}]},
    "both":{"allOf":[{},{"type":"object","additionalProperties":false,"properties":{"a":{}}}]},"self":{"$ref":"#"}}})");
  for (const auto* path : {"title", "author.name", "author.name.x", "open", "open.a.b", "items", "items.n", "x1", "x1.y",
                           "either.a", "both.a", "self.self.title"}) {
    CAPTURE(path);
    CHECK(schema.allows(path));
  }
  for (const auto* path : {"tilte", "title.x", "author.nmae", "items.m", "none", "either.b", "both.b", "self.self.tilte"}) {
    CAPTURE(path);
    CHECK_FALSE(schema.allows(path));
  }
  CHECK(compiled("{}").allows("anything"));
}

TEST_CASE("text is as long as all that is said of it lets it be") {
  const auto schema = compiled(R"({"properties":{"free":{"type":"string"},"short":{"type":"string","maxLength":5},
    "ascii":{"type":"string","format":"uri","maxLength":5},"date":{"type":"string","format":"date-time"},
    "chosen":{"enum":["red","green",7]},"number":{"type":"integer"},"constant":{"const":"ab"},
    "all":{"allOf":[{"type":"string"},{"maxLength":3}]},"any":{"anyOf":[{"type":"null"},{"type":"string","maxLength":3}]},
    "some":{"anyOf":[{"type":"string"},{"type":"string","maxLength":3}]}}})");
  const auto longest = [&](std::string_view path) { return schema.field(path)->longest_text; };
  CHECK(longest("free") == Field::kUnbounded);
  CHECK(longest("short") == 20);
  CHECK(longest("ascii") == 5);
  CHECK(longest("date") == 24);
  CHECK(longest("chosen") == 5);
  CHECK(longest("number") == 0);
  CHECK(longest("constant") == 2);
  CHECK(longest("all") == 12);
  CHECK(longest("any") == 12);
  CHECK(longest("some") == Field::kUnbounded);
}
