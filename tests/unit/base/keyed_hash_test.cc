#include "base/keyed_hash.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace nacre {

TEST_CASE("a keyed hash is SipHash-1-3") {
  // Of the bytes 0, 1, 2 … under the key 0, 1, … 15, as other implementations of it have them.
  const KeyedHash hash({0x0706050403020100U, 0x0f0e0d0c0b0a0908U});
  for (const auto& [size, expected] : std::initializer_list<std::pair<std::size_t, std::uint64_t>>{{0, 0xabac0158050fc4dcU},
                                                                                                   {1, 0xc9f49bf37d57ca93U},
                                                                                                   {7, 0xd3927d989bb11140U},
                                                                                                   {8, 0x369095118d299a8eU},
                                                                                                   {9, 0x25a48eb36c063de4U},
                                                                                                   {12, 0x78a384b157b4d9a2U},
                                                                                                   {15, 0xd320d86d2a519956U},
                                                                                                   {16, 0xcc4fdd1a7d908b66U},
                                                                                                   {63, 0x9d199062b7bbb3a8U}}) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i);
    CHECK(hash(text) == expected);
  }
}

TEST_CASE("two keyed hashes of one text differ") {
  KeyedHash one, other;
  one.init();
  other.init();
  CHECK(one("text") == one("text"));
  CHECK(one("text") != other("text"));
}

}  // namespace nacre
