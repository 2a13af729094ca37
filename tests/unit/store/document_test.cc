#include "store/document.h"

#include <doctest/doctest.h>

#include "json/parse.h"

namespace nacre::store {
namespace {

std::string projected(const std::vector<std::string>& fields, std::string_view doc) {
  const Row row{.id = "x", .rev = 3, .owner = "ann", .owned = true, .doc = doc};
  std::string out;
  Projection(fields).append(out, row);
  std::string whole;
  append_document(whole, row);
  if (parse_json(doc)) CHECK(Projection(fields).of(whole) == out);
  return out;
}

}  // namespace

TEST_CASE("a row is written as the document that the API shows") {
  std::string out;
  append_document(out, {.id = "x", .rev = 3, .owner = "a\"b", .owned = true, .doc = R"({"a":1})"});
  CHECK(
      out ==
      R"({"_id":"x","_rev":3,"_created":"1970-01-01T00:00:00.000Z","_updated":"1970-01-01T00:00:00.000Z","_owner":"a\"b","a":1})");
  out.clear();
  append_document(out, {.id = "x", .doc = "{}"});
  CHECK(out ==
        R"({"_id":"x","_rev":1,"_created":"1970-01-01T00:00:00.000Z","_updated":"1970-01-01T00:00:00.000Z","_owner":null})");
}

TEST_CASE("a projection takes what it names and passes over the rest") {
  const std::string_view doc =
      R"({"a":1,"b":"},{\"a\":[","c":{"a":[{"x":"]"},2]},"d":[1,{"e":1,"f":2},[{"e":3}],"e"],"é":-1.5e+300,"g":{}})";
  CHECK(projected({"_id"}, doc) == R"({"_id":"x"})");
  CHECK(projected({"_id", "a"}, doc) == R"({"_id":"x","a":1})");
  CHECK(projected({"_id", "b", "é"}, doc) == R"({"_id":"x","b":"},{\"a\":[","é":-1.5e+300})");
  CHECK(projected({"_id", "c.a.x"}, doc) == R"({"_id":"x","c":{"a":[{"x":"]"}]}})");
  CHECK(projected({"_id", "d.e"}, doc) == R"({"_id":"x","d":[{"e":1},[{"e":3}]]})");
  CHECK(projected({"_id", "a.x", "g.x"}, doc) == R"({"_id":"x","g":{}})");
  CHECK(projected({"_id", "nope"}, "{}") == R"({"_id":"x"})");
  CHECK(projected({"_created", "_id", "_owner", "_rev"}, "{}") ==
        R"({"_id":"x","_rev":3,"_created":"1970-01-01T00:00:00.000Z","_owner":"ann"})");
}

TEST_CASE("a projection of damaged text ends") {
  const std::string doc = R"({"a":{"b":["x\"",{"c":[1,2]}]},"d":"e"})";
  for (std::size_t i = 0; i < doc.size(); ++i) {
    for (const char c : {'{', '}', '[', ']', '"', '\\', ',', ':', 'x'}) {
      std::string damaged = doc;
      damaged[i] = c;
      CHECK_FALSE(projected({"_id", "a.b.c", "d"}, damaged).empty());
      CHECK_FALSE(projected({"_id", "a.b.c", "d"}, damaged.substr(0, i)).empty());
    }
  }
}

}  // namespace nacre::store
