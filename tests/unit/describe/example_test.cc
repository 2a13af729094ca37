#include "describe/example.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <string>

using namespace nacre;

namespace {

std::string example(const char* schema) { return boost::json::serialize(describe::example(boost::json::parse(schema))); }

}  // namespace

TEST_SUITE("describe::example") {
  TEST_CASE("required fields are there, and a few others whose text can be made up") {
    CHECK(example(R"({"required":["d"],"properties":{"a":{"type":"integer","minimum":3},"b":{"type":"string","pattern":"^x"},
                      "c":{"type":"boolean"},"d":{"type":"string"},"e":{}}})") == R"({"d":"text","a":3,"c":true})");
    CHECK(example(R"({"required":["unknown"],"properties":{}})") == R"({"unknown":"text"})");
  }

  TEST_CASE("what the schema names comes before what is made up") {
    CHECK(example(R"({"type":"string","const":"x"})") == R"("x")");
    CHECK(example(R"({"type":"string","enum":["y","z"]})") == R"("y")");
    CHECK(example(R"({"type":"string","examples":["e"]})") == R"("e")");
    CHECK(example(R"({"type":"string","default":"d"})") == R"("d")");
  }

  TEST_CASE("text has the length and the form that is asked for") {
    CHECK(example(R"({"type":"string","minLength":10})") == R"("text text text")");
    CHECK(example(R"({"type":"string","maxLength":2})") == R"("te")");
    CHECK(example(R"({"type":"string","format":"date-time"})") == R"("2026-01-02T03:04:05Z")");
    CHECK(example(R"({"type":["null","string"]})") == "null");
  }

  TEST_CASE("odd and endless schemas have an example too") {
    for (const auto* schema :
         {"true", "{}", R"({"type":7})", R"({"type":[]})", R"({"enum":[]})", R"({"required":5,"properties":[]})",
          R"({"type":"string","minLength":1000000000})", R"({"type":"string","minLength":"a","maxLength":-1})"}) {
      CAPTURE(schema);
      CHECK(example(schema).size() < 200);
    }
    std::string deep = "{}";
    for (int i = 0; i < 30; ++i) deep = R"({"type":"array","items":)" + deep + "}";
    CHECK(example(deep.c_str()) == "[[[[[]]]]]");
  }
}
