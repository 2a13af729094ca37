#include "cache/trust.h"

#include <doctest/doctest.h>

#include "cache/shared_memory.h"

namespace nacre::cache {

namespace {

constexpr Monotonic kBegin{1'000'000};
constexpr Milliseconds kLimit{1'000};

struct FreshTrust {
  FreshTrust() { trust.init(); }
  /// A whole look.
  Trust::Learned look(Monotonic now, std::uint64_t epoch) {
    const auto begun = trust.begin(now, kLimit);
    REQUIRE(begun.has_value());
    return trust.learn(*begun, epoch);
  }

  test::SharedMemory memory{sizeof(Trust)};
  Trust& trust = *reinterpret_cast<Trust*>(memory.bytes().data());
};

}  // namespace

TEST_CASE("the tier is not used before its epoch was learned, nor for longer than that is good") {
  FreshTrust f;
  CHECK(f.trust.epoch(kBegin) == 0);
  CHECK(f.trust.due(kBegin));
  CHECK(f.look(kBegin, 7) == Trust::Learned::other);
  CHECK(f.trust.epoch(kBegin) == 7);
  CHECK_FALSE(f.trust.due(kBegin));
  CHECK(f.trust.due(kBegin + Trust::kBetweenLooks));
  CHECK(f.trust.epoch(kBegin + (Trust::kLongest - Milliseconds{1})) == 7);
  CHECK(f.trust.epoch(kBegin + Trust::kLongest) == 0);
  CHECK(f.look(kBegin + Trust::kLongest, 7) == Trust::Learned::same);
  CHECK(f.trust.epoch(kBegin + Trust::kLongest) == 7);
}

TEST_CASE("why messages are not heard is known as long as it is said again, cut off where it is long") {
  FreshTrust f;
  CHECK(f.trust.deafened(kBegin).empty());
  f.trust.set_deafened("NOPERM", kBegin);
  CHECK(f.trust.deafened(kBegin + Milliseconds{1}) == "NOPERM");
  CHECK(f.trust.deafened(kBegin + Trust::kLongest).empty());
  f.trust.set_deafened(std::string(1'000, 'x'), kBegin);
  CHECK(f.trust.deafened(kBegin) == std::string(160, 'x'));
  f.trust.set_deafened({}, kBegin);
  CHECK(f.trust.deafened(kBegin).empty());
}

TEST_CASE("after a mark nothing is looked at until an epoch was begun that is younger than it") {
  FreshTrust f;
  f.look(kBegin, 7);
  f.trust.mark();
  CHECK(f.trust.epoch(kBegin) == 0);
  CHECK(f.trust.last_epoch() == 7);
  const auto look = f.trust.begin(kBegin, kLimit);
  CHECK(look->raises);
  f.trust.mark();
  CHECK(f.trust.learn(*look, 8) == Trust::Learned::other);
  CHECK(f.trust.epoch(kBegin) == 0);
  CHECK(f.look(kBegin, 9) == Trust::Learned::other);
  CHECK(f.trust.epoch(kBegin) == 9);
}

TEST_CASE("a doubt holds until the next look, not the one under way") {
  FreshTrust f;
  f.look(kBegin, 7);
  const auto look = f.trust.begin(kBegin, kLimit);
  f.trust.doubt();
  CHECK(f.trust.learn(*look, 7) == Trust::Learned::too_late);
  CHECK(f.trust.epoch(kBegin) == 0);
  f.look(kBegin, 8);
  CHECK(f.trust.epoch(kBegin) == 8);
}

TEST_CASE("one worker looks at a time; one that takes too long learns nothing any more") {
  FreshTrust f;
  const auto slow = f.trust.begin(kBegin, kLimit);
  CHECK_FALSE(f.trust.begin(kBegin + (kLimit - Milliseconds{1}), kLimit));
  CHECK(f.look(kBegin + kLimit, 8) == Trust::Learned::other);
  CHECK(f.trust.learn(*slow, 7) == Trust::Learned::too_late);
  CHECK(f.trust.epoch(kBegin + kLimit) == 8);
  const auto given_up = f.trust.begin(kBegin + kLimit, kLimit);
  f.trust.give_up(*given_up);
  CHECK(f.trust.begin(kBegin + kLimit, kLimit).has_value());
}

TEST_CASE("a worker that is killed while it looks leaves the look to the next one") {
  FreshTrust f;
  test::Child([&] { (void)f.trust.begin(kBegin, kLimit); }).wait();
  CHECK_FALSE(f.trust.begin(kBegin, kLimit));
  CHECK(f.look(kBegin + kLimit, 7) == Trust::Learned::other);
}

TEST_CASE("zones that follow one another have their marks in common") {
  FreshTrust old_one;
  FreshTrust new_one;
  std::atomic<std::uint64_t> marks = 0;
  old_one.trust.share(marks);
  new_one.trust.share(marks);
  old_one.look(kBegin, 7);
  new_one.look(kBegin, 7);
  old_one.trust.mark();
  CHECK(new_one.trust.epoch(kBegin) == 0);
  new_one.look(kBegin, 8);
  CHECK(new_one.trust.epoch(kBegin) == 8);
  CHECK(old_one.trust.epoch(kBegin) == 0);
}

TEST_CASE("what the tier refuses is said once") {
  FreshTrust f;
  CHECK_FALSE(f.trust.set_refuses(false));
  CHECK(f.trust.set_refuses(true));
  CHECK_FALSE(f.trust.set_refuses(true));
  CHECK(f.trust.refuses());
  CHECK(f.trust.set_refuses(false));
}

}  // namespace nacre::cache
