#include "cache/leases.h"

#include <doctest/doctest.h>

#include <memory>

namespace nacre::cache {

namespace {
constexpr Milliseconds kTime{100};
constexpr std::uint64_t kHash = 0x1234'5678'0000'0007;
constexpr std::uint64_t kSameSlot = 0x8765'4321'0000'0007;
}  // namespace

TEST_CASE("a lease excludes others until it is given back") {
  const auto leases = std::make_unique<Leases>();
  const Monotonic now{1000};
  const auto lease = leases->take(kHash, kTime, now);
  REQUIRE(lease);
  CHECK(lease->exclusive());
  CHECK_FALSE(leases->take(kHash, kTime, now));
  leases->give_back(*lease);
  CHECK(leases->take(kHash, kTime, now));
}

TEST_CASE("a lease ends by itself, so a holder that died is replaced") {
  const auto leases = std::make_unique<Leases>();
  const Monotonic now{1000};
  REQUIRE(leases->take(kHash, kTime, now));
  CHECK_FALSE(leases->take(kHash, kTime, now + Milliseconds{99}));
  CHECK(leases->take(kHash, kTime, now + Milliseconds{102}));
}

TEST_CASE("a holder whose time is over can't give back its successor's lease") {
  const auto leases = std::make_unique<Leases>();
  const Monotonic now{1000};
  const auto first = leases->take(kHash, kTime, now);
  const Monotonic later = now + Milliseconds{200};
  REQUIRE(leases->take(kHash, kTime, later));
  leases->give_back(*first);
  CHECK_FALSE(leases->take(kHash, kTime, later));
}

TEST_CASE("a dead holder's lease is taken from it, another key's in its slot is not") {
  const auto leases = std::make_unique<Leases>();
  const Monotonic now{1000};
  REQUIRE(leases->take(kHash, kTime, now));
  leases->revoke(kSameSlot);
  CHECK_FALSE(leases->take(kHash, kTime, now));
  leases->revoke(kHash);
  CHECK(leases->take(kHash, kTime, now));
}

TEST_CASE("two keys that meet in one slot both go on") {
  const auto leases = std::make_unique<Leases>();
  const Monotonic now{1000};
  REQUIRE(leases->take(kHash, kTime, now));
  const auto second = leases->take(kSameSlot, kTime, now);
  REQUIRE(second);
  CHECK_FALSE(second->exclusive());
  leases->give_back(*second);
  CHECK_FALSE(leases->take(kHash, kTime, now));
}

TEST_CASE("leases hold across the wrap of 32-bit milliseconds, and none outlives its longest time") {
  const auto leases = std::make_unique<Leases>();
  for (std::int64_t start = (std::int64_t{1} << 32) - 120; start < (std::int64_t{1} << 32) + 20; ++start) {
    const Monotonic now{start};
    const auto lease = leases->take(kHash, kTime, now);
    REQUIRE(lease);
    CHECK_FALSE(leases->take(kHash, kTime, now + Milliseconds{99}));
    const auto next = leases->take(kHash, kTime, now + Milliseconds{102});
    REQUIRE(next);
    leases->give_back(*next);
  }
  const Monotonic now{5000};
  REQUIRE(leases->take(kHash, Milliseconds{10'000'000}, now));
  CHECK(leases->take(kHash, kTime, now + Leases::kLongest + Milliseconds{2}));
}

}  // namespace nacre::cache
