#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <random>
#include <string>

#include "cache/shared_memory.h"
#include "cache/zone.h"

namespace nacre::cache {

namespace {

struct SmallZone {
  test::SharedMemory memory{Zone::kMinimumSize};
  Zone& zone = Zone::format(memory.bytes());
  Monotonic now{1'000'000};
};

constexpr Milliseconds kTtl{1000};

}  // namespace

TEST_CASE("a value counts from zero and expires with its first ttl") {
  SmallZone t;
  CHECK(*t.zone.increment("visits", 1, kTtl, t.now) == 1);
  CHECK(*t.zone.increment("visits", 41, Milliseconds{50'000}, t.now) == 42);
  CHECK(**t.zone.get("visits", t.now) == "42");
  CHECK(*t.zone.increment("visits", -50, kTtl, t.now + Milliseconds{999}) == -8);
  CHECK(*t.zone.increment("visits", 1, kTtl, t.now + Milliseconds{1000}) == 1);
}

TEST_CASE("a value without ttl stays") {
  SmallZone t;
  CHECK(*t.zone.increment("visits", 5, std::nullopt, t.now) == 5);
  CHECK(*t.zone.increment("visits", 5, std::nullopt, t.now + Milliseconds{std::int64_t{1} << 50}) == 10);
}

TEST_CASE("text of decimal digits can be counted, other text can't") {
  SmallZone t;
  REQUIRE(t.zone.put("n", "-17", std::nullopt, t.now));
  CHECK(*t.zone.increment("n", 1, std::nullopt, t.now) == -16);
  CHECK(**t.zone.get("n", t.now) == "-16");
  for (const char* text : {"", "x", "1x", " 1", "1.5", "9223372036854775808", "000000000000000000000000000001"}) {
    REQUIRE(t.zone.put("n", text, std::nullopt, t.now));
    CHECK(t.zone.increment("n", 1, std::nullopt, t.now).error().error == Error::conflict);
    CHECK(**t.zone.get("n", t.now) == text);
  }
}

TEST_CASE("a count that would overflow stays as it is") {
  SmallZone t;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  REQUIRE(t.zone.increment("n", kMost, std::nullopt, t.now));
  CHECK(t.zone.increment("n", 1, std::nullopt, t.now).error().error == Error::conflict);
  CHECK(*t.zone.increment("n", 0, std::nullopt, t.now) == kMost);
}

TEST_CASE("put_if_absent sets once, until the value expires or is erased") {
  SmallZone t;
  CHECK(*t.zone.put_if_absent("key", "first", kTtl, t.now));
  CHECK_FALSE(*t.zone.put_if_absent("key", "second", kTtl, t.now));
  CHECK(**t.zone.get("key", t.now) == "first");
  CHECK(*t.zone.erase("key", t.now));
  CHECK_FALSE(*t.zone.erase("key", t.now));
  CHECK(*t.zone.put_if_absent("key", "third", kTtl, t.now));
  CHECK(*t.zone.put_if_absent("key", "fourth", kTtl, t.now + kTtl));
  CHECK(**t.zone.get("key", t.now + kTtl) == "fourth");
}

TEST_CASE("entries never drop values, and values never take the room of entries") {
  SmallZone t;
  REQUIRE(t.zone.put("mark", "here", std::nullopt, t.now));
  const Entry entry{std::string(10'000, 'x'), "\"1\"", std::nullopt};
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(t.zone.fill(std::to_string(i), "s", t.zone.ticket("s"), entry, {kTtl, kTtl}, t.now));
  }
  CHECK(t.zone.usage().evictions > 0);
  CHECK(**t.zone.get("mark", t.now) == "here");
}

TEST_CASE("a part full of live values refuses new ones, keeps the old, and has room again when they expire") {
  SmallZone t;
  int kept = 0;
  while (t.zone.put("k" + std::to_string(kept), "value", kTtl, t.now)) ++kept;
  CHECK(kept > 1000);
  CHECK(t.zone.put("more", "value", kTtl, t.now).error().error == Error::overloaded);
  CHECK(t.zone.increment("more", 1, kTtl, t.now).error().error == Error::overloaded);
  CHECK(*t.zone.increment("more", 1, kTtl, t.now + kTtl) == 1);
  CHECK(t.zone.put("big", std::string(100'000, 'x'), kTtl, t.now + kTtl));
  CHECK(t.zone.usage().values == 2);
}

TEST_CASE("one expired value in a full part is found and makes room") {
  SmallZone t;
  int kept = 0;
  while (t.zone.put("k" + std::to_string(kept), "value", kept == 500 ? kTtl : Milliseconds{100'000}, t.now)) ++kept;
  const Monotonic later = t.now + kTtl;
  CHECK(t.zone.put("more", "value", kTtl, later));
  CHECK_FALSE(t.zone.get("k500", later)->has_value());
  CHECK(t.zone.put("more still", "value", kTtl, later).error().error == Error::overloaded);
  for (int i = 0; i < kept; ++i) {
    if (i != 500) REQUIRE(t.zone.get("k" + std::to_string(i), later)->has_value());
  }
}

TEST_CASE("a value that can't be replaced for want of room stays") {
  SmallZone t;
  REQUIRE(t.zone.put("a", "old", std::nullopt, t.now));
  for (int i = 0; t.zone.put("k" + std::to_string(i), "value", std::nullopt, t.now); ++i) {
  }
  CHECK(t.zone.put("a", std::string(1000, 'x'), std::nullopt, t.now).error().error == Error::overloaded);
  CHECK(**t.zone.get("a", t.now) == "old");
  CHECK(t.zone.put("a", "new", std::nullopt, t.now));
  CHECK(t.zone.put("b", std::string(1U << 20U, 'x'), std::nullopt, t.now).error().error == Error::too_large);
}

TEST_CASE("values behave as a plain map with expiry, whatever is done") {
  struct Value {
    std::string text;
    Monotonic expires;
  };
  SmallZone t;
  std::map<std::string, Value> model;
  std::mt19937 random(2);
  for (int step = 0; step < 100'000; ++step) {
    t.now = t.now + Milliseconds{random() % 3};
    const std::string key = "k" + std::to_string(random() % 300);
    const Milliseconds ttl{1 + random() % 500};
    std::erase_if(model, [&](const auto& item) { return item.first == key && item.second.expires <= t.now; });
    const auto known = model.find(key);
    switch (random() % 5) {
      case 0: {
        const std::string text = random() % 2 == 0 ? std::to_string(random()) : std::string(random() % 400, 'v');
        REQUIRE(t.zone.put(key, text, ttl, t.now));
        model[key] = {text, t.now + ttl};
        break;
      }
      case 1:
        REQUIRE(*t.zone.put_if_absent(key, "mark", ttl, t.now) == (known == model.end()));
        model.try_emplace(key, Value{"mark", t.now + ttl});
        break;
      case 2: {
        const auto sum = t.zone.increment(key, 3, ttl, t.now);
        if (known == model.end()) {
          REQUIRE(*sum == 3);
          model[key] = {"3", t.now + ttl};
        } else if (sum) {
          REQUIRE(*sum == std::stoll(known->second.text) + 3);
          known->second.text = std::to_string(*sum);
        } else {
          REQUIRE((known->second.text.empty() || !std::isdigit(known->second.text.front())));
        }
        break;
      }
      case 3:
        REQUIRE(*t.zone.erase(key, t.now) == (model.erase(key) == 1));
        break;
      default: {
        const auto found = t.zone.get(key, t.now);
        REQUIRE(found->has_value() == (known != model.end()));
        if (*found) REQUIRE(**found == known->second.text);
      }
    }
  }
  CHECK(t.zone.intact());
}

}  // namespace nacre::cache
