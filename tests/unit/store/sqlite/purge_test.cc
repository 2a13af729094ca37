#include "store/sqlite/purge.h"

#include <doctest/doctest.h>

#include <string>

#include "store/sqlite/fixture.h"

namespace nacre::store {
namespace {

constexpr Milliseconds kSoon{10'000};
constexpr Milliseconds kHour{3'600'000};

/// A store, with values that another worker has remembered there.
class Forgetful {
 public:
  ManualReactor& reactor() { return store_.reactor; }

  void remember(int count, Timestamp expires) {
    const std::string first = std::to_string(next_);
    next_ += count;
    REQUIRE(other_.ready().has_value());
    REQUIRE(other_.execute("WITH RECURSIVE n(i) AS (SELECT " + first + " UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " +
                           std::to_string(next_) + ") INSERT INTO nacre_remembered SELECT 'key' || i, 'value', " +
                           std::to_string(expires.time_since_epoch().count()) + " FROM n"));
  }

  std::int64_t left() {
    REQUIRE(other_.ready().has_value());
    sqlite::Run run(other_, "SELECT count(*) FROM nacre_remembered");
    REQUIRE(run.step());
    return run.integer(0);
  }

  /// Whether the first value is there at the moment.
  bool recalls() {
    bool found = false;
    store_.run([&] { found = store_.store().recall("key0", reactor().wall())->has_value(); });
    return found;
  }

 private:
  TemporaryFolder folder_;
  SqliteUnderTest store_{std::span<const config::Resource>(), {.path = folder_.file(), .synchronous = "OFF"}};
  sqlite::Connection other_{{.path = folder_.file()}, [](sqlite::Connection&) { return Result<void>(); }};
  int next_ = 0;
};

}  // namespace

TEST_CASE("expired values are all gone soon after, though nothing is written any more") {
  Forgetful forgetful;
  const Timestamp begin = forgetful.reactor().wall();
  forgetful.remember(10'240, begin + kHour);
  forgetful.remember(100, begin + 2 * kHour);
  forgetful.reactor().advance(kHour - Milliseconds{1});
  CHECK(forgetful.left() == 10'340);
  forgetful.reactor().advance(kSoon);
  CHECK(forgetful.left() == 100);
  forgetful.reactor().advance(kHour);
  CHECK(forgetful.left() == 0);
}

TEST_CASE("many expired values are deleted in steps, between which others write") {
  Forgetful forgetful;
  forgetful.remember(40'000, forgetful.reactor().wall());
  forgetful.reactor().jobs_run_by_themselves = false;
  forgetful.reactor().advance(kSoon);
  REQUIRE(forgetful.reactor().run_job());
  const auto left = forgetful.left();
  CHECK(left < 40'000);
  CHECK(left > 0);
  CHECK_FALSE(forgetful.reactor().run_job());
  forgetful.reactor().jobs_run_by_themselves = true;
  forgetful.reactor().advance(kSoon);
  CHECK(forgetful.left() == 0);
}

TEST_CASE("values expire by the store's clock, also when it is set") {
  Forgetful forgetful;
  auto& reactor = forgetful.reactor();
  const Timestamp begin = reactor.wall();
  SUBCASE("forward") {
    forgetful.remember(1'000, begin + kHour);
    reactor.set_wall(begin + kHour);
    reactor.advance(kSoon);
    CHECK(forgetful.left() == 0);
  }
  SUBCASE("back, after it ran ahead: what it has left is remembered for as long as what is new") {
    constexpr int kYear = 365 * 24;
    forgetful.remember(1'000, begin + kYear * kHour + Remember::kLongest);
    reactor.advance(kSoon);
    CHECK(forgetful.left() == 1'000);
    reactor.set_wall(begin + Remember::kLongest - kHour);
    CHECK(forgetful.recalls());
    reactor.set_wall(begin + Remember::kLongest + kHour);
    reactor.advance(kSoon);
    CHECK(forgetful.left() == 0);
  }
}

TEST_CASE("what can't be purged now is purged later") {
  Forgetful forgetful;
  forgetful.remember(10, forgetful.reactor().wall());
  forgetful.reactor().job_limit = 0;
  forgetful.reactor().advance(kSoon);
  CHECK(forgetful.left() == 10);
  forgetful.reactor().job_limit = 8;
  forgetful.reactor().advance(kSoon);
  CHECK(forgetful.left() == 0);
}

}  // namespace nacre::store
