#include "json/compare.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "json/parse.h"

using nacre::compare_json;
using nacre::Json;

namespace {

Json json(std::string_view text) { return *nacre::parse_json(text); }
bool equal(std::string_view a, std::string_view b) { return compare_json(json(a), json(b)) == 0; }

}  // namespace

TEST_CASE("Numbers are equal by their mathematical value, exactly") {
  CHECK(equal("1", "1.0"));
  CHECK(equal("0", "-0.0"));
  CHECK(equal("9007199254740992", "9007199254740992.0"));
  CHECK_FALSE(equal("9007199254740993", "9007199254740992.0"));
  CHECK_FALSE(equal("9223372036854775807", "9223372036854775808.0"));
  CHECK_FALSE(equal("1", "1.0000000000000002"));
  CHECK(compare_json(std::uint64_t{5}, std::int64_t{5}) == 0);
  CHECK(compare_json(std::numeric_limits<std::uint64_t>::max(), -1) > 0);
}

TEST_CASE("Objects are equal whatever the order of their members, arrays are not") {
  CHECK(equal(R"({"a":1,"b":{"c":[],"d":null}})", R"({"b":{"d":null,"c":[]},"a":1.0})"));
  CHECK_FALSE(equal(R"({"a":1})", R"({"a":1,"b":1})"));
  CHECK_FALSE(equal(R"({"a":1})", R"({"b":1})"));
  CHECK_FALSE(equal("[1,2]", "[2,1]"));
  CHECK_FALSE(equal("[]", "{}"));
  CHECK_FALSE(equal("null", "false"));
  CHECK_FALSE(equal("0", "false"));
  CHECK_FALSE(equal(R"("")", "null"));
}

TEST_CASE("The order is total: any values can be sorted, and equal ones come together") {
  const Json values = json(R"([3,"b",{"b":1},null,[2],{"a":2},true,"a",1,[1],{"a":1},false,2.5,[],{},"",[1,2],{"b":1.0},1.0])");
  std::vector<const Json*> sorted;
  for (const Json& value : values.as_array()) sorted.push_back(&value);
  std::sort(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) { return compare_json(*a, *b) < 0; });
  int equal_neighbours = 0;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(compare_json(*sorted[j], *sorted[i]) <= 0);
    equal_neighbours += compare_json(*sorted[i - 1], *sorted[i]) == 0 ? 1 : 0;
  }
  CHECK(equal_neighbours == 2);
}
