#include "json/parse.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

using nacre::Error;
using nacre::Json;
using nacre::json_text;
using nacre::parse_json;

namespace {

/// The value as text again, or "400: …", "422: …".
std::string read(std::string_view text) {
  const auto value = parse_json(text);
  if (value) return json_text(*value);
  return (value.error().error == Error::bad_request ? "400: " : "422: ") + value.error().detail;
}

bool refused(std::string_view text) { return read(text).starts_with("400: "); }

}  // namespace

TEST_CASE("JSON of every kind is read, with whitespace around it") {
  CHECK(read(" {\"a\" : [ null , true,false ,\t\"x\" , 1,-2.5 ] , \"b\":{ } }\r\n") ==
        R"({"a":[null,true,false,"x",1,-2.5],"b":{}})");
  CHECK(read("\"x\"") == "\"x\"");
  CHECK(read("7") == "7");
  CHECK(read("null") == "null");
  CHECK(read("[]") == "[]");
}

TEST_CASE("Broken JSON is a bad request that says where and why") {
  CHECK(read("") == "400: line 1, column 1 (byte 0): the text ends too early");
  CHECK(read("{\"a\":1") == "400: line 1, column 7 (byte 6): the text ends too early");
  CHECK(read("{\n \"é\": x}") == "400: line 2, column 7 (byte 9): unexpected 'x'");
  CHECK(read("[1,]") == "400: line 1, column 4 (byte 3): unexpected ']'");
  CHECK(read("\"a\nb\"") == "400: line 1, column 3 (byte 2): unexpected control character");
  CHECK(read("{} x") == "400: line 1, column 4 (byte 3): something follows the JSON value");
  CHECK(read("\"\\u12g4\"") == "400: line 1, column 6 (byte 5): \\u needs four hexadecimal digits");
  for (const std::string_view text : {"{",        "[",
                                      "]",        "{]",
                                      "[}",       "{,}",
                                      "[,]",      "{\"a\"}",
                                      "{\"a\":}", "{a:1}",
                                      "{'a':1}",  "{\"a\":1,}",
                                      "[1 2]",    "tru",
                                      "nulL",     "NaN",
                                      "Infinity", "-",
                                      "+1",       "01",
                                      "-01",      ".5",
                                      "1.",       "1e",
                                      "1e+",      "0x1",
                                      "\"",       "\"\\",
                                      "\"\\x\"",  "\"\\u123",
                                      "// c\n1",  "/**/1",
                                      "1 1",      "\xEF\xBB\xBF{}",
                                      "--1"}) {
    CAPTURE(text);
    CHECK(refused(text));
  }
  CHECK(refused(std::string_view{"[1]\0", 4}));
  CHECK(refused(std::string_view{"\"\0\"", 3}));
}

TEST_CASE("A name twice in one object is refused, however it is written and however many there are") {
  CHECK(read(R"({"a":1,"a":2})") == "400: line 1, column 10 (byte 9): the name \"a\" stands twice in one object");
  CHECK(refused(R"({"ab":1,"a\u0062":2})"));
  CHECK(refused(R"({"x":{"":1,"":2}})"));
  CHECK(read(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})")[0] == '{');
  CHECK(read(R"({"a":1,"A":2,"a ":3})")[0] == '{');
  for (const int members : {8, 18, 19, 100, 5000}) {
    CAPTURE(members);
    std::string text = "{";
    for (int i = 0; i < members; ++i) text += "\"n" + std::to_string(i) + "\":0,";
    CHECK(read(text + "\"m\":0}")[0] == '{');
    CHECK(refused(text + "\"n0\":0}"));
    CHECK(refused(text + "\"n" + std::to_string(members - 1) + "\":0}"));
  }
}

TEST_CASE("A long name is cut in messages at a character") {
  const std::string name = "a" + std::string(100, '\xC3');
  std::string valid = "a";
  for (int i = 0; i < 100; ++i) valid += "é";
  const std::string message = read("{\"" + valid + "\":1,\"" + valid + "\":1}");
  CHECK(message.size() < 150);
  CHECK(message.find("é…\" stands twice") != std::string::npos);
  CHECK(refused("{\"" + name + "\":1}"));
}

TEST_CASE("Text that is not UTF-8 is refused, in strings and in names") {
  for (const std::string bytes : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80", "\xE0\x9F\xBF",
                                  "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
                                  "\xF0\x9F\x98", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    CAPTURE(bytes);
    CHECK(refused("\"" + bytes + "\""));
    CHECK(refused("\"a long run before the place, longer than any vector " + bytes + " and text after it\""));
    CHECK(refused("{\"" + bytes + "\":1}"));
  }
  CHECK(read("\"ab\xFF\"") == "400: line 1, column 4 (byte 3): invalid UTF-8");
  const std::string good =
      "\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"";
  CHECK(read(good) == good);
}

TEST_CASE("Escapes become characters, and a lone surrogate is refused") {
  CHECK(*parse_json(R"("\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00")") == "\"\\/\b\f\n\r\té€😀");
  for (const std::string_view text : {R"("\ud800")", R"("\udc00")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\u0041")",
                                      R"("\ud83d\ud83d")", R"({"\udfff":1})"}) {
    CAPTURE(text);
    CHECK(refused(text));
  }
}

TEST_CASE("NUL may stand in strings and names as an escape") {
  CHECK(read(R"({"a\u0000b":"\u0000"})") == R"({"a\u0000b":"\u0000"})");
}

TEST_CASE("64 levels are read, 65 are not") {
  const auto nested = [](std::size_t levels, const std::string& open, const std::string& close) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i) text += open;
    text += "1";
    for (std::size_t i = 0; i < levels; ++i) text += close;
    return text;
  };
  CHECK(read(nested(64, "[", "]"))[0] == '[');
  CHECK(read(nested(65, "[", "]")) == "400: line 1, column 65 (byte 64): nested deeper than 64");
  CHECK(read(nested(64, "{\"a\":", "}"))[0] == '{');
  CHECK(refused(nested(65, "{\"a\":", "}")));
  CHECK(refused(std::string(1'000'000, '[')));
}

TEST_CASE("Integers keep 64 bits, and are refused outside of them with their place") {
  CHECK(parse_json("9223372036854775807")->as_int64() == std::numeric_limits<std::int64_t>::max());
  CHECK(parse_json("-9223372036854775808")->as_int64() == std::numeric_limits<std::int64_t>::min());
  CHECK(parse_json("9007199254740993")->as_int64() == 9007199254740993);
  CHECK(parse_json("-0")->is_int64());
  for (const std::string number :
       {"9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775809",
        "123456789012345678901234567890", "-123456789012345678901234567890"}) {
    CAPTURE(number);
    const auto result = parse_json(R"([0,{"x":{},"a/b":[)" + number + "]}]");
    REQUIRE_FALSE(result);
    CHECK(result.error().error == Error::unprocessable);
    REQUIRE(result.error().errors.size() == 1);
    CHECK(result.error().errors[0].pointer == "/1/a~1b/0");
  }
  CHECK(parse_json("99999999999999999999").error().errors.at(0).pointer.empty());
}

TEST_CASE("Doubles are rounded right, may underflow to zero and may not overflow") {
  CHECK(parse_json("0.1")->as_double() == 0.1);
  CHECK(parse_json("123456789012345678.5")->as_double() == 123456789012345678.5);
  CHECK(parse_json("8.41e21")->as_double() == 8.41e21);
  CHECK(parse_json("9007199254740993.0")->as_double() == 9007199254740992.0);
  CHECK(parse_json("2.2250738585072011e-308")->as_double() == 2.2250738585072011e-308);
  CHECK(parse_json("4.9e-324")->as_double() == 4.9e-324);
  CHECK(parse_json("1.7976931348623157e308")->as_double() == std::numeric_limits<double>::max());
  CHECK(parse_json("1e-400")->as_double() == 0.0);
  CHECK(std::signbit(parse_json("-1e-400")->as_double()));
  CHECK(parse_json("0." + std::string(400, '0') + "1e400")->as_double() == 0.1);
  CHECK(read("1e400") == "400: line 1, column 6 (byte 5): the number is out of range");
  CHECK(refused("-1e400"));
  CHECK(refused("1.7976931348623159e308"));
  CHECK(refused("1e99999999999999999999"));
}

namespace {

std::string repeated(std::string_view item, std::size_t bytes) {
  std::string text = "[";
  while (text.size() + item.size() < bytes) text.append(text.size() == 1 ? "" : ",").append(item);
  return text + "]";
}

}  // namespace

TEST_CASE("A text whose values would take more memory than is allowed is too large, and where it became so is said") {
  constexpr std::size_t kBody = 8U << 20U;
  for (const std::string_view item : {"{}", "1", "[]", "\"\"", "null", "{\"a\":1}", "[1]", "[[]]", "\"text of 20 bytes...\""}) {
    CAPTURE(item);
    const auto value = parse_json(repeated(item, kBody));
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().error == Error::too_large);
    CHECK(value.error().detail.starts_with("line 1, column "));
    CHECK(value.error().detail.ends_with("the JSON takes too much memory"));
    CHECK(parse_json(repeated(item, kBody / 128)).has_value());
  }
  std::string wide = "{";
  for (int i = 0; i < 500'000; ++i) wide.append(i == 0 ? "\"" : ",\"").append(std::to_string(i)).append("\":0");
  const auto value = parse_json(wide + "}");
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().error == Error::too_large);
}

TEST_CASE("Text itself may be as long as the memory that is allowed") {
  CHECK(parse_json('"' + std::string(8U << 20U, 'x') + '"').has_value());
  CHECK(parse_json("[\"" + std::string(1000, 'x') + "\"]", 1100).has_value());
  CHECK_FALSE(parse_json("[\"" + std::string(1000, 'x') + "\"]", 1000).has_value());
}
