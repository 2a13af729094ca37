#include "store/sqlite/sqlite.h"

#include <doctest/doctest.h>

#include "store/sqlite/fixture.h"

namespace nacre::store {
namespace {

/// A store in a folder of its own.
class FreshSqlite final : public StoreUnderTest {
 public:
  FreshSqlite(std::span<const config::Resource> resources, Written written)
      : store_(resources, {.path = folder_.file(), .synchronous = "OFF", .written = std::move(written)}) {}
  Store& store() override { return store_.store(); }
  void run(const std::function<void()>& body) override { store_.run(body); }
  void run_together(std::span<const std::function<void()>> bodies) override { store_.run_together(bodies); }

 private:
  TemporaryFolder folder_;
  SqliteUnderTest store_;
};

std::unique_ptr<StoreUnderTest> make(std::span<const config::Resource> resources, Written written) {
  return std::make_unique<FreshSqlite>(resources, std::move(written));
}

}  // namespace

TEST_CASE("SQLite conforms in documents") { conforms_in_documents(make); }
TEST_CASE("SQLite conforms in filters") { conforms_in_filters(make); }
TEST_CASE("SQLite conforms in paging") { conforms_in_paging(make); }

TEST_CASE("an SQLite URI is a path and perhaps how commits are synchronized") {
  CHECK(parse_sqlite_uri("sqlite:data/nacre.db")->path == "data/nacre.db");
  CHECK(parse_sqlite_uri("sqlite:/a b")->synchronous == "FULL");
  CHECK(parse_sqlite_uri("sqlite:/x?synchronous=normal")->synchronous == "normal");
  for (const char* uri :
       {"", "sqlite:", "sqlite::memory:", "mongodb://x", "sqlite:x?", "sqlite:x?synchronous=maybe", "sqlite:x?mode=ro"}) {
    CAPTURE(uri);
    CHECK_FALSE(parse_sqlite_uri(uri).has_value());
  }
}

}  // namespace nacre::store
