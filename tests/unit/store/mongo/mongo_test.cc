#include "store/mongo/mongo.h"

#include <doctest/doctest.h>

#include "store/mongo/fixture.h"

namespace nacre::store {
namespace {

std::unique_ptr<StoreUnderTest> make(std::span<const config::Resource> resources, WriteHooks hooks) {
  return std::make_unique<MongoUnderTest>(resources, std::move(hooks));
}

}  // namespace

TEST_CASE("MongoDB conforms in documents" * doctest::skip(mongo_for_tests() == nullptr)) { conforms_in_documents(make); }
TEST_CASE("MongoDB conforms in filters" * doctest::skip(mongo_for_tests() == nullptr)) { conforms_in_filters(make); }
TEST_CASE("MongoDB conforms in paging" * doctest::skip(mongo_for_tests() == nullptr)) { conforms_in_paging(make, 20); }

}  // namespace nacre::store
