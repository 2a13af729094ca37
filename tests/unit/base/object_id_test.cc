#include "base/object_id.h"

#include <doctest/doctest.h>

#include <set>

namespace nacre {

TEST_CASE("object ids are 24 hex digits, begin with the seconds, and do not repeat") {
  const Timestamp now{Milliseconds{1'767'225'600'999}};  // 0x6955B900 seconds
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(make_object_id(now));
  CHECK(ids.size() == 10'000);
  for (const std::string& id : ids) {
    REQUIRE(id.size() == 24);
    REQUIRE(id.starts_with("6955b900"));
    REQUIRE(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  }
}

TEST_CASE("a client's id is 1 to 64 of A-Z a-z 0-9 _ . ~ -, and no segment that a path can't keep") {
  for (const std::string& good :
       {std::string("a"), std::string("A-Z.0_~"), std::string(64, 'x'), std::string("..."), std::string("_id")}) {
    CHECK(is_document_id(good));
  }
  for (const std::string& bad :
       {std::string(), std::string(65, 'x'), std::string("a b"), std::string("a/b"), std::string("\xC3\xA9"),
        std::string("a\0b", 3), std::string("$a"), std::string("."), std::string("..")}) {
    CHECK_FALSE(is_document_id(bad));
  }
}

}  // namespace nacre
