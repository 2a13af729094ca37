#include "store/mongo/mongo.h"

#include <doctest/doctest.h>

#include "store/mongo/fixture.h"

namespace nacre::store {
namespace {

/// A store whose indexes are made: what is inserted while SecantusDB makes one is never in it.
std::unique_ptr<StoreUnderTest> make(std::span<const config::Resource> resources, Written written) {
  const auto made = std::make_shared<std::size_t>(0);
  auto store =
      std::make_unique<MongoUnderTest>(resources, std::move(written), fresh_target(), MongoUnderTest::Afterwards::drop,
                                       Turn{.take = [](std::string_view) { return true; }, .give_back = [made] { ++*made; }});
  store->reactor.run_until([&] { return *made == kTurns.size(); });
  return store;
}

}  // namespace

TEST_CASE("MongoDB conforms in documents" * doctest::skip(mongo_for_tests() == nullptr)) { conforms_in_documents(make); }
TEST_CASE("MongoDB conforms in filters" * doctest::skip(mongo_for_tests() == nullptr)) { conforms_in_filters(make); }
TEST_CASE("MongoDB conforms in paging" * doctest::skip(mongo_for_tests() == nullptr)) { conforms_in_paging(make, 20); }

}  // namespace nacre::store
