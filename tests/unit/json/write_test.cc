#include "json/write.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "json/parse.h"

using nacre::Json;
using nacre::json_text;
using nacre::parse_json;

namespace {

std::string in_quotes(std::string_view text) {
  std::string out;
  nacre::append_json_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("Values are written compactly, members in their order") {
  CHECK(json_text(Json{{"b", 1},
                       {"a", {nullptr, true, "x", -1.5}},
                       {"c", Json(boost::json::object_kind)},
                       {"d", Json(boost::json::array_kind)}}) == R"({"b":1,"a":[null,true,"x",-1.5],"c":{},"d":[]})");
}

TEST_CASE("Integers are written exactly") {
  CHECK(json_text(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(json_text(std::numeric_limits<std::int64_t>::max()) == "9223372036854775807");
  CHECK(json_text(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
}

TEST_CASE("Doubles are written in their shortest form and stay doubles") {
  CHECK(json_text(1.0) == "1.0");
  CHECK(json_text(-0.0) == "-0.0");
  CHECK(json_text(0.1) == "0.1");
  CHECK(json_text(1e300) == "1e+300");
  CHECK(json_text(1e22) == "1e+22");
  CHECK(json_text(5e-324) == "5e-324");
  for (const double number :
       {1.0, 0.1, 1.0 / 3, 1e22, 123456789012345680.0, 5e-324, 1.7976931348623157e308, -2.5e-10, 100000.0, 1e5}) {
    CAPTURE(number);
    const auto again = parse_json(json_text(number));
    REQUIRE(again);
    REQUIRE(again->is_double());
    CHECK(again->as_double() == number);
  }
}

TEST_CASE("What JSON has no form for becomes null or the replacement character") {
  CHECK(json_text(std::numeric_limits<double>::infinity()) == "null");
  CHECK(json_text(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(in_quotes("a\xFFz\xC3") == "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"");
  CHECK(in_quotes("\xED\xA0\x80") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST_CASE("Strings escape what they must and nothing else") {
  CHECK(in_quotes("") == "\"\"");
  CHECK(in_quotes("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(in_quotes(std::string_view{"\0\x01\x1f\b\f\n\r\t\x7f", 9}) == "\"\\u0000\\u0001\\u001f\\b\\f\\n\\r\\t\x7f\"");
  CHECK(in_quotes("é€😀 </script>") == "\"é€😀 </script>\"");
}

TEST_CASE("Strings escape each character at any place") {
  for (int c = 0; c < 0x100; ++c) {
    const bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
    const std::string one(1, static_cast<char>(c));
    const std::string written = in_quotes(one).substr(1, in_quotes(one).size() - 2);
    CHECK((written == one) == plain);
    for (std::size_t before = 0; before < 18; ++before) {
      const std::string text(before, 'x');
      CHECK(in_quotes(text + one + "yz") == "\"" + text + written + "yz\"");
    }
  }
}

TEST_CASE("What is written reads back equal") {
  for (const std::string_view text : {R"({"a":[1,2.5,{"b":null}],"é":"\u0000\"","":{}})", R"([[],{},"",0,-1,1e-7])"}) {
    const auto first = parse_json(text);
    REQUIRE(first);
    const auto second = parse_json(json_text(*first));
    REQUIRE(second);
    CHECK(*second == *first);
  }
}
