#include "json/hash.h"

#include <doctest/doctest.h>

#include <compare>
#include <cstdint>
#include <limits>
#include <string>

#include "json/compare.h"
#include "json/parse.h"

namespace nacre {
namespace {

std::uint64_t hash(const Json& value) {
  std::size_t steps = 0;
  return hash_json(value, steps);
}

bool repeats(const std::string& array) {
  std::size_t steps = 0;
  return has_equal_items(parse_json(array)->get_array(), steps);
}

}  // namespace

TEST_CASE("values have one hash just where they are equal") {
  const Json values = *parse_json(
      R"([0,-0.0,1,1.0,2.5,-1,"","a","1",null,false,true,[],{},[[]],[{}],[1],[1.0],[1,2],[2,1],{"a":1,"b":2},{"b":2.0,"a":1},
          {"a":2,"b":1},{"a":1},{"1":"a"},9007199254740993,9007199254740992.0,9223372036854775807,1e300,[null],[false],["ab"],
          ["a","b"],{"a":null},{"a":[]},{"a":{}}])");
  for (const Json& a : values.get_array()) {
    for (const Json& b : values.get_array()) {
      CAPTURE(a);
      CAPTURE(b);
      CHECK((hash(a) == hash(b)) == std::is_eq(compare_json(a, b)));
    }
  }
  CHECK(hash(Json(std::uint64_t{7})) == hash(Json(7)));
  CHECK(hash(Json(std::numeric_limits<std::uint64_t>::max())) != hash(Json(-1)));
}

TEST_CASE("equal items are found wherever they are, and no others") {
  CHECK_FALSE(repeats("[]"));
  CHECK_FALSE(repeats("[1]"));
  CHECK(repeats("[1,2,3,1.0]"));
  CHECK(repeats(R"([{"a":1,"b":[]},{},{"b":[],"a":1}])"));
  CHECK_FALSE(repeats(R"([1,"1",true,null,[1],{"a":1},[[1]],{"a":"1"}])"));
}

TEST_CASE("the steps that are counted grow with the size of an array") {
  const auto steps = [](int items) {
    std::string text = "[{\"a\":0,\"b\":[0]}";
    for (int i = 1; i < items; ++i) text += ",{\"a\":" + std::to_string(i) + ",\"b\":[0]}";
    std::size_t counted = 0;
    CHECK_FALSE(has_equal_items(parse_json(text + "]")->get_array(), counted));
    return counted;
  };
  CHECK(steps(1'000) == 10 * steps(100));
  std::size_t long_text = 0;
  hash_json(Json(std::string(64'000, 'x')), long_text);
  CHECK(long_text > 500);
}

}  // namespace nacre
