#include "mongo/members.h"

#include <doctest/doctest.h>

namespace nacre::mongo {
namespace {

using Claim = Members::Claim;

Election newest(char term, std::int64_t set_version = 1) { return {std::string(11, '\0') + term, set_version, 17}; }
Election older(char term, std::int64_t set_version = 1) { return {std::string(11, '\0') + term, set_version, 16}; }

TEST_CASE("members: a primary is stale when another of a later election was seen") {
  Members members;
  CHECK(members.note_claim(newest(2)) == Claim::first);
  CHECK(members.note_claim(newest(2)) == Claim::current);
  CHECK(members.note_claim(newest(1)) == Claim::stale);
  CHECK(members.note_claim(newest('\x80')) == Claim::current);
  CHECK(members.is_stale(newest(2)));
  CHECK_FALSE(members.is_stale(newest('\x80')));
}

TEST_CASE("members: from wire version 17 on the election counts before the set's version, and what tells none is before all") {
  Members members;
  CHECK(members.note_claim(newest(2, 5)) == Claim::first);
  CHECK(members.note_claim(newest(1, 9)) == Claim::stale);
  CHECK(members.note_claim(newest(2, 4)) == Claim::stale);
  CHECK(members.note_claim({{}, 9, 17}) == Claim::stale);
  CHECK(members.note_claim(newest(3, 1)) == Claim::current);
  CHECK(members.is_stale(newest(2, 5)));
}

TEST_CASE("members: before wire version 17 the set's version counts first, and nothing where either is not told") {
  Members members;
  CHECK(members.note_claim(older(2, 5)) == Claim::first);
  CHECK(members.note_claim(older(9, 4)) == Claim::stale);
  CHECK(members.note_claim(older(1, 5)) == Claim::stale);
  CHECK(members.note_claim(older(1, 6)) == Claim::current);
  CHECK(members.note_claim({{}, 1, 16}) == Claim::current);
  CHECK(members.note_claim({std::string(12, '\0'), -1, 16}) == Claim::current);
  CHECK(members.is_stale(older(2, 5)));
}

}  // namespace
}  // namespace nacre::mongo
