#include "mongo/selection.h"

#include <doctest/doctest.h>

#include <string>

#include "mongo/monitor.h"

namespace nacre::mongo {
namespace {

constexpr Milliseconds kHeartbeat{10'000};
constexpr Milliseconds kThreshold{15};

using Kind = Member::Kind;
using Tags = std::vector<std::pair<std::string, std::string>>;
using Addresses = std::vector<std::string>;

/// `late`: by how much its last write was before it was asked.
Member member(std::string address, Kind kind, Seconds late = Seconds{0}, Milliseconds round_trip = Milliseconds{5},
              Tags tags = {}) {
  Member made{.address = std::move(address), .kind = kind, .tags = std::move(tags)};
  made.asked = Milliseconds{1'000'000};
  made.written = Milliseconds{5'000'000} - late;
  made.round_trip = round_trip;
  return made;
}

Addresses selected(const std::vector<Member>& members, const ReadPreference& preference) {
  return select(members, preference, kThreshold, kHeartbeat);
}

const Tags kEast{{"dc", "east"}};
const Tags kWest{{"dc", "west"}};

}  // namespace

TEST_CASE("each mode reads from the members that it names") {
  const std::vector<Member> all{member("p", Kind::primary), member("s", Kind::secondary), member("t", Kind::secondary),
                                member("r", Kind::other), member("d", Kind::silent)};
  CHECK(selected(all, {.mode = "primary"}) == Addresses{"p"});
  CHECK(selected(all, {.mode = "primaryPreferred"}) == Addresses{"p"});
  CHECK(selected(all, {.mode = "secondary"}) == Addresses{"s", "t"});
  CHECK(selected(all, {.mode = "secondaryPreferred"}) == Addresses{"s", "t"});
  CHECK(selected(all, {.mode = "nearest"}) == Addresses{"s", "t", "p"});
  const std::vector<Member> alone{member("p", Kind::primary), member("d", Kind::silent)};
  CHECK(selected(alone, {.mode = "secondary"}).empty());
  CHECK(selected(alone, {.mode = "secondaryPreferred"}) == Addresses{"p"});
  const std::vector<Member> headless{member("s", Kind::secondary)};
  CHECK(selected(headless, {.mode = "primaryPreferred"}) == Addresses{"s"});
  CHECK(selected(headless, {.mode = "primary"}).empty());
}

TEST_CASE("the first set of tags that any member has decides, and does not for a primary that is preferred") {
  const std::vector<Member> all{member("p", Kind::primary), member("e", Kind::secondary, Seconds{0}, Milliseconds{5}, kEast),
                                member("w", Kind::secondary, Seconds{0}, Milliseconds{5}, kWest)};
  CHECK(selected(all, {.mode = "secondary", .tags = {kWest}}) == Addresses{"w"});
  CHECK(selected(all, {.mode = "nearest", .tags = {{{"dc", "north"}}, kEast, {}}}) == Addresses{"e"});
  CHECK(selected(all, {.mode = "secondary", .tags = {{{"dc", "north"}}, {}}}) == Addresses{"e", "w"});
  CHECK(selected(all, {.mode = "secondary", .tags = {{{"dc", "north"}}}}).empty());
  CHECK(selected(all, {.mode = "secondaryPreferred", .tags = {{{"dc", "north"}}}}) == Addresses{"p"});
  CHECK(selected(all, {.mode = "primaryPreferred", .tags = {kEast}}) == Addresses{"p"});
}

TEST_CASE("a secondary is too late by what the primary has, or without one by what the best secondary has") {
  const ReadPreference preference{.mode = "secondary", .max_staleness = Seconds{90}};
  const auto with = [&](const Member& other) {
    return selected({other, member("s", Kind::secondary, Seconds{80}), member("t", Kind::secondary, Seconds{81})}, preference);
  };
  CHECK(with(member("p", Kind::primary)) == Addresses{"s"});  // 80 s and a heartbeat are 90
  CHECK(with(member("p", Kind::primary, Seconds{1})) == Addresses{"s", "t"});
  CHECK(with(member("b", Kind::secondary)) == Addresses{"b", "s"});
  // What was asked later has its last write later.
  Member late_asked = member("u", Kind::secondary, Seconds{81});
  late_asked.asked += Seconds{1};
  late_asked.written += Seconds{1};
  CHECK(selected({member("p", Kind::primary), late_asked}, preference).empty());
}

TEST_CASE("of those that may be read from, the near ones are") {
  const std::vector<Member> all{
      member("p", Kind::primary, Seconds{0}, Milliseconds{1}), member("s", Kind::secondary, Seconds{0}, Milliseconds{30}),
      member("t", Kind::secondary, Seconds{0}, Milliseconds{45}), member("u", Kind::secondary, Seconds{0}, Milliseconds{46})};
  CHECK(selected(all, {.mode = "secondary"}) == Addresses{"s", "t"});
  CHECK(selected(all, {.mode = "nearest"}) == Addresses{"p"});
}

TEST_CASE("all routers of a sharded cluster are read from, whatever the preference") {
  const std::vector<Member> routers{member("m", Kind::router), member("n", Kind::router)};
  CHECK(selected(routers, {.mode = "secondary", .tags = {kEast}, .max_staleness = Seconds{90}}) == Addresses{"m", "n"});
}

TEST_CASE("a server is left when it may not be read from, or is far; one that is silent only for another") {
  const auto uri = parse_uri("mongodb://s/db?readPreference=secondary");
  REQUIRE(uri.has_value());
  const Choice choice = choose(
      {member("p", Kind::primary), member("s", Kind::secondary), member("d", Kind::silent),
       member("t", Kind::secondary, Seconds{0}, Milliseconds{30}), member("u", Kind::secondary, Seconds{0}, Milliseconds{36})},
      *uri);
  CHECK(choice.wanted == Addresses{"s"});
  CHECK_FALSE(choice.leaves("s"));
  CHECK_FALSE(choice.leaves("t"));  // a little slower than what would be connected to
  for (const char* left : {"p", "u", "d", "gone"}) CHECK(choice.leaves(left));
  const Choice none = choose({member("p", Kind::primary), member("d", Kind::silent)}, *uri);
  CHECK(none.leaves("p"));
  CHECK(none.leaves("gone"));
  CHECK_FALSE(none.leaves("d"));
}

}  // namespace nacre::mongo
