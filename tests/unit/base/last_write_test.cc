#include "base/last_write.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace nacre {

TEST_CASE("the latest write stays, and is told to those who know an earlier one") {
  const auto last = std::make_unique<LastWrite>();
  last->init();
  std::string proof = "as it was";
  CHECK_FALSE(last->may_be_later(0));
  CHECK(last->later(1, 0, proof) == 0);

  last->note(1, 20, "twenty");
  last->note(1, 10, "ten");
  CHECK(last->may_be_later(19));
  CHECK_FALSE(last->may_be_later(20));
  CHECK(last->later(1, 20, proof) == 0);
  CHECK(proof == "as it was");
  CHECK(last->later(1, 19, proof) == 20);
  CHECK(proof == "twenty");

  SUBCASE("of one store at a time") {
    CHECK(last->later(2, 0, proof) == 0);
    last->note(2, 5, "five");
    CHECK(last->later(1, 0, proof) == 0);
    CHECK(last->later(2, 0, proof) == 5);
    CHECK(proof == "five");
  }
  SUBCASE("what it has no room for is not noted") {
    last->note(1, 30, std::string(LastWrite::kLargestProof + 1, 'x'));
    CHECK(last->later(1, 0, proof) == 20);
    const std::string largest(LastWrite::kLargestProof, 'x');
    last->note(1, 30, largest);
    CHECK(last->later(1, 0, proof) == 30);
    CHECK(proof == largest);
  }
}

}  // namespace nacre
