#include "store/sqlite/loop_reads.h"

#include <doctest/doctest.h>

#include <string>

#include "query/example.h"
#include "store/sqlite/fixture.h"
#include "store/sqlite/no_wait.h"

namespace nacre::store {
namespace {

/// A store of one document, which was read once, with thread jobs that run when the test says, and another process's
/// connection.
class OnLoop {
 public:
  OnLoop() {
    resources_.push_back(query::example_resource());
    store_ = std::make_unique<SqliteUnderTest>(resources_, SqliteOptions{.path = folder_.file(), .synchronous = "OFF"});
    REQUIRE(other.ready().has_value());
    put("one");
    store_->run([this] { CHECK(title() == "one"); });
    reactor().jobs_run_by_themselves = false;
  }

  ManualReactor& reactor() { return store_->reactor; }

  /// As another process, which reads it as well.
  void put(const std::string& title) {
    put_unread(title);
    REQUIRE(other.execute("SELECT id FROM r_things").has_value());
  }
  void put_unread(const std::string& title) {
    REQUIRE(other
                .execute("INSERT OR REPLACE INTO r_things (id, rev, created, updated, owner, doc) VALUES ('a', 1, 0, 0, NULL, "
                         "'{\"title\":\"" +
                         title + "\"}')")
                .has_value());
  }
  /// What the store finds; its text where that is long.
  std::string title() {
    const auto found = store_->store().find_one(resources_.front(), "a", {});
    if (!found) return found.error().error == Error::not_found ? "none" : "failed";
    const std::string before = "\"title\":\"";
    const std::size_t at = found->json.find(before) + before.size();
    return found->json.substr(at, found->json.size() - at - 2);
  }
  /// Runs `body` on a fiber that is to wait for nothing.
  void run_at_once(const std::function<void()>& body) {
    const bool at_once = ends_in_turn(body);
    CHECK(at_once == sqlite::NoWait::possible());  // as known by then
  }
  /// Runs `body` on a fiber that is to wait for a thread.
  void run_with_thread(const std::function<void()>& body) { CHECK_FALSE(ends_in_turn(body)); }
  Store& store() { return store_->store(); }
  const config::Resource& resource() const { return resources_.front(); }

 private:
  bool ends_in_turn(const std::function<void()>& body) {
    bool ended = false;
    const auto whole = [&] {
      body();
      ended = true;
    };
    REQUIRE(store_->scheduler.start(reactor().now() + Milliseconds{60'000}, whole).has_value());
    const bool at_once = ended;
    for (reactor().run(); reactor().run_job();) reactor().run();
    CHECK(ended);
    return at_once;
  }

  TemporaryFolder folder_;
  std::vector<config::Resource> resources_;
  std::unique_ptr<SqliteUnderTest> store_;

 public:
  sqlite::Connection other{{.path = folder_.file()}, [](sqlite::Connection&) { return Result<void>(); }};
};

}  // namespace

TEST_CASE("a document that is in memory is read at once, and one that is not there is missed at once") {
  OnLoop on_loop;
  on_loop.run_at_once([&] { CHECK(on_loop.title() == "one"); });
  REQUIRE(on_loop.other.execute("DELETE FROM r_things; SELECT id FROM r_things").has_value());
  on_loop.run_at_once([&] { CHECK(on_loop.title() == "none"); });
}

TEST_CASE("each of several reads of a turn sees what was committed before it") {
  OnLoop on_loop;
  on_loop.run_at_once([&] {
    for (const std::string title : {"two", "three", "four"}) {
      on_loop.put(title);
      CHECK(on_loop.title() == title);
      CHECK(on_loop.title() == title);
    }
  });
}

TEST_CASE("reads of a turn hold no snapshot when it has ended") {
  OnLoop on_loop;
  on_loop.run_at_once([&] {
    for (int i = 0; i < 3; ++i) CHECK(on_loop.title() == "one");
  });
  on_loop.put("two");
  sqlite::Run run(on_loop.other, "PRAGMA wal_checkpoint(TRUNCATE)");
  REQUIRE(run.step());
  CHECK(run.integer(0) == 0);
}

TEST_CASE("a document is read at once that this store has written") {
  OnLoop on_loop;
  on_loop.run_with_thread([&] { CHECK(on_loop.store().erase(on_loop.resource(), "a", {}).has_value()); });
  on_loop.run_at_once([&] { CHECK(on_loop.title() == "none"); });
}

TEST_CASE("the first read of another's commit is a thread's, since SQLite writes to the WAL-index for it") {
  OnLoop on_loop;
  on_loop.put_unread("two");
  on_loop.run_with_thread([&] { CHECK(on_loop.title() == "two"); });
  on_loop.run_at_once([&] { CHECK(on_loop.title() == "two"); });
  sqlite::Run checkpoint(on_loop.other, "PRAGMA wal_checkpoint");
  REQUIRE(checkpoint.step());
  on_loop.run_at_once([&] { CHECK(on_loop.title() == "two"); });
}

TEST_CASE("a thread takes the connection over from reads of the same turn, and gives it back") {
  OnLoop on_loop;
  on_loop.run_with_thread([&] {
    for (int i = 0; i < 3; ++i) CHECK(on_loop.title() == "one");
    CHECK(on_loop.store().ping().has_value());
    for (int i = 0; i < 3; ++i) CHECK(on_loop.title() == "one");
  });
  on_loop.run_at_once([&] { CHECK(on_loop.title() == "one"); });
}

TEST_CASE("a large document is read on a thread, also when SQLite has it in memory") {
  OnLoop on_loop;
  const std::string large(100'000, 'x');
  on_loop.put(large);
  for (int i = 0; i < 3; ++i) on_loop.run_with_thread([&] { CHECK(on_loop.title() == large); });
  on_loop.put("small");
  on_loop.run_at_once([&] { CHECK(on_loop.title() == "small"); });
}

}  // namespace nacre::store
