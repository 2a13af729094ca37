#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "fiber/poll_reactor.h"
#include "query/example.h"
#include "query/list_query.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/fixture.h"

namespace nacre::store {
namespace {

/// The resource of query/example.h in a store on a file, which outlives it.
class Faulty {
 public:
  explicit Faulty(SqliteOptions options, std::vector<config::Index> indexes = {}) {
    resources_.push_back(query::example_resource());
    resources_.back().indexes = std::move(indexes);
    options.synchronous = "OFF";
    under_test_ = std::make_unique<SqliteUnderTest>(resources_, std::move(options));
  }

  const config::Resource& resource() const { return resources_.front(); }
  Store& store() { return under_test_->store(); }
  ManualReactor& reactor() { return under_test_->reactor; }
  fiber::Scheduler& scheduler() { return under_test_->scheduler; }
  const std::vector<std::string>& log() const { return under_test_->log; }
  void run(const std::function<void()>& body) { under_test_->run(body); }

  Result<void> insert(const std::string& id, const std::string& title) {
    const std::vector<NewDocument> one{{.id = id, .fields = {{"title", title}}, .created = {}, .owner = {}}};
    return store().insert(resource(), one, {});
  }
  bool finds(const std::string& id) { return store().find_one(resource(), id, {}).has_value(); }

 private:
  std::vector<config::Resource> resources_;
  std::unique_ptr<SqliteUnderTest> under_test_;
};

bool is(const Result<void>& result, Error error) { return !result && result.error().error == error; }

/// Another process's connection.
sqlite::Connection other(const std::string& file) {
  return sqlite::Connection({.path = file}, [](sqlite::Connection&) { return Result<void>(); });
}

}  // namespace

TEST_CASE("when the disk is full, writes are unavailable until there is room, and what was there stays") {
  TemporaryFolder folder;
  Faulty faulty({.path = folder.file(), .max_pages = 40});
  faulty.run([&] {
    const std::string large(3000, 'x');
    int inserted = 0;
    while (inserted < 1000 && faulty.insert("d" + std::to_string(inserted), large)) ++inserted;
    REQUIRE(inserted > 5);
    REQUIRE(inserted < 1000);
    const auto full = faulty.insert("more", large);
    REQUIRE(is(full, Error::unavailable));
    CHECK(full.error().detail.find("SQLite") == std::string::npos);
    CHECK(full.error().internal.find("full") != std::string::npos);
    for (int i = 0; i < inserted; ++i) CHECK(faulty.finds("d" + std::to_string(i)));
    CHECK_FALSE(faulty.finds("more"));
    CHECK(faulty.store().erase(faulty.resource(), "d0", {}).has_value());
    CHECK(faulty.insert("more", large).has_value());
    CHECK(faulty.finds("more"));
  });
  REQUIRE(faulty.log().size() >= 2);
  CHECK(faulty.log()[0].find("fail") != std::string::npos);
  CHECK(faulty.log()[1].find("work again") != std::string::npos);
}

TEST_CASE("a full disk fails the write that needs room and not those beside it") {
  TemporaryFolder folder;
  Faulty faulty({.path = folder.file(), .max_pages = 40});
  faulty.run([&] { REQUIRE(faulty.insert("d", "small").has_value()); });
  bool large_failed = false;
  bool found = false;
  const auto start = [&](std::function<void()> body) {
    (void)faulty.scheduler().start(faulty.reactor().now() + Milliseconds{60'000}, std::move(body));
  };
  start([&] { large_failed = is(faulty.insert("large", std::string(500'000, 'x')), Error::unavailable); });
  start([&] { found = faulty.finds("d"); });
  faulty.reactor().run();
  CHECK(large_failed);
  CHECK(found);
  faulty.run([&] { CHECK(faulty.insert("e", "small").has_value()); });
}

TEST_CASE("a folder that is not there makes the store unavailable, with one line for operators, until it is") {
  TemporaryFolder folder;
  const auto inner = folder.path() / "data";
  Faulty faulty({.path = inner / "nacre.db"});
  faulty.run([&] {
    CHECK(is(faulty.insert("a", "x"), Error::unavailable));
    CHECK(is(faulty.store().ping(), Error::unavailable));
    CHECK(is(faulty.insert("a", "x"), Error::unavailable));
  });
  CHECK(faulty.log().size() == 2);  // one of the reads, one of the writes
  std::filesystem::create_directory(inner);
  faulty.run([&] {
    const Monotonic patience = monotonic_now() + Milliseconds{10'000};
    while (!faulty.insert("a", "x") && monotonic_now() < patience) std::this_thread::yield();
    while (!faulty.finds("a") && monotonic_now() < patience) std::this_thread::yield();
    CHECK(faulty.finds("a"));
  });
}

TEST_CASE("a file that is no database makes the store unavailable") {
  TemporaryFolder folder;
  std::ofstream(folder.file()) << std::string(8192, 'x');
  Faulty faulty({.path = folder.file()});
  faulty.run([&] {
    CHECK(is(faulty.insert("a", "x"), Error::unavailable));
    CHECK(is(faulty.store().ping(), Error::unavailable));
  });
}

TEST_CASE("a page that is damaged makes what needs it unavailable") {
  TemporaryFolder folder;
  {
    Faulty faulty({.path = folder.file()});
    faulty.run([&] {
      for (int i = 0; i < 200; ++i) REQUIRE(faulty.insert("d" + std::to_string(i), std::string(200, 'x')).has_value());
    });
  }
  {
    std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(std::filesystem::file_size(folder.file()) - 4096, '\xEE');
  }
  Faulty faulty({.path = folder.file()});
  faulty.run([&] {
    const auto found = faulty.store().find_one(faulty.resource(), "d7", {});
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().error == Error::unavailable);
  });
}

TEST_CASE("while another process holds the lock, reads go on and a write waits until its deadline") {
  TemporaryFolder folder;
  Faulty faulty({.path = folder.file(), .timeout = Milliseconds{20}});
  auto holder = other(folder.file());
  REQUIRE(holder.ready().has_value());
  faulty.run([&] { REQUIRE(faulty.insert("a", "x").has_value()); });
  REQUIRE(holder.execute("BEGIN IMMEDIATE; DELETE FROM r_things").has_value());
  faulty.run([&] {
    CHECK(is(faulty.insert("b", "x"), Error::deadline));
    CHECK(faulty.finds("a"));
  });
  REQUIRE(holder.execute("ROLLBACK").has_value());
  faulty.run([&] {
    CHECK(faulty.insert("b", "x").has_value());
    CHECK(faulty.finds("b"));
  });
}

TEST_CASE("a worker that starts while another process holds the lock reads at once") {
  TemporaryFolder folder;
  std::vector<config::Resource> resources;
  resources.push_back(query::example_resource());
  {
    Faulty before({.path = folder.file()});
    before.run([&] { REQUIRE(before.insert("a", "x").has_value()); });
  }
  auto holder = other(folder.file());
  REQUIRE(holder.ready().has_value());
  REQUIRE(holder.execute("BEGIN IMMEDIATE").has_value());
  SUBCASE("with the same indexes") {}
  SUBCASE("with another index, which waits") { resources.back().indexes = {{.keys = {{.path = "title"}}}}; }
  PollReactor reactor;
  fiber::Scheduler scheduler(reactor);
  const auto store = open_sqlite(reactor, {.path = folder.file(), .synchronous = "OFF", .timeout = Milliseconds{2'000}});
  store->prepare(resources);
  bool found = false;
  bool listed = false;
  bool written = true;
  const auto start = [&](const std::function<void()>& body) {
    REQUIRE(scheduler.start(reactor.now() + Milliseconds{2'000}, body).has_value());
  };
  start([&] { written = store->erase(resources.front(), "a", {}).has_value(); });
  start([&] { found = store->find_one(resources.front(), "a", {}).has_value(); });
  start([&] { listed = store->find(resources.front(), *query::parse_list_query("", resources.front()), {}).has_value(); });
  reactor.run_until([&] { return scheduler.running() <= 1; });
  CHECK(found);
  CHECK(listed);
  reactor.run_until([&] { return scheduler.running() == 0; });
  CHECK_FALSE(written);
  REQUIRE(holder.execute("ROLLBACK").has_value());
  start([&] { written = store->erase(resources.front(), "a", {}).has_value(); });
  reactor.run_until([&] { return scheduler.running() == 0; });
  CHECK(written);
}

TEST_CASE("a process that is killed in the middle of a transaction leaves the file as it was") {
  TemporaryFolder folder;
  Faulty faulty({.path = folder.file()});
  faulty.run([&] { REQUIRE(faulty.insert("a", "x").has_value()); });
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto connection = other(folder.file());
    if (connection.ready() && connection.execute("BEGIN IMMEDIATE; DELETE FROM r_things")) raise(SIGKILL);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  faulty.run([&] {
    CHECK(faulty.finds("a"));
    CHECK(faulty.insert("b", "x").has_value());
  });
  auto checker = other(folder.file());
  REQUIRE(checker.ready().has_value());
  sqlite::Run run(checker, "PRAGMA integrity_check");
  REQUIRE(run.step());
  CHECK(run.text(0) == "ok");
}

TEST_CASE("workers write to one file at the same time, and none fails") {
  TemporaryFolder folder;
  constexpr int kFibers = 16;
  constexpr int kInserts = 10;
  std::atomic<int> inserted = 0;
  const auto worker = [&](const std::string& name) {
    std::vector<config::Resource> resources;
    resources.push_back(query::example_resource());
    resources.back().indexes = {{.keys = {{.path = "title"}}, .unique = true}};
    PollReactor reactor;
    fiber::Scheduler scheduler(reactor);
    const auto store = open_sqlite(reactor, {.path = folder.file(), .synchronous = "OFF", .timeout = Milliseconds{60'000}});
    store->prepare(resources);
    for (int f = 0; f < kFibers; ++f) {
      (void)scheduler.start(reactor.now() + Milliseconds{60'000}, [&, f] {
        for (int i = 0; i < kInserts; ++i) {
          const std::string id = name + std::to_string(f * kInserts + i);
          const std::vector<NewDocument> one{{.id = id, .fields = {{"title", id}}, .created = {}, .owner = {}}};
          if (store->insert(resources.front(), one, {}) && store->find_one(resources.front(), id, {})) ++inserted;
        }
      });
    }
    reactor.run_until([&] { return scheduler.running() == 0; });
  };
  std::thread first(worker, "a");
  std::thread second(worker, "b");
  first.join();
  second.join();
  CHECK(inserted == 2 * kFibers * kInserts);
}

TEST_CASE("the log of the file begins anew after a while") {
  TemporaryFolder folder;
  Faulty faulty({.path = folder.file()});
  faulty.run([&] {
    for (int i = 0; i < 4'000; ++i) REQUIRE(faulty.insert("d" + std::to_string(i), std::string(3'000, 'x')).has_value());
  });
  CHECK(std::filesystem::file_size(folder.file()) > 10'000'000);
  CHECK(std::filesystem::file_size(folder.file() + "-wal") < 8'000'000);
}

TEST_CASE("indexes follow the configuration") {
  TemporaryFolder folder;
  const auto count = [&](const std::string& condition) {
    auto connection = other(folder.file());
    REQUIRE(connection.ready().has_value());
    sqlite::Run run(connection, "SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'r_things' AND " + condition);
    REQUIRE(run.step());
    return run.integer(0);
  };
  {
    const Faulty faulty({.path = folder.file()},
                        {{.keys = {{.path = "title"}}}, {.keys = {{.path = "stars"}}, .unique = true}});
  }
  CHECK(count("name LIKE 'i\\_%' ESCAPE '\\'") == 2);
  CHECK(count("name LIKE 'u\\_%' ESCAPE '\\'") == 1);
  {
    const Faulty faulty({.path = folder.file()},
                        {{.keys = {{.path = "title", .descending = true}}}, {.keys = {{.path = "tags"}}}});
    REQUIRE(faulty.log().size() == 1);
    CHECK(faulty.log()[0] == "resource things: no index on tags, which may hold arrays or objects");
  }
  CHECK(count("name LIKE 'i\\_%' ESCAPE '\\'") == 1);
  CHECK(count("name LIKE 'u\\_%' ESCAPE '\\'") == 0);
  CHECK(count("sql LIKE '%DESC%'") == 1);
}

TEST_CASE(
    "documents that are the same stay where an index is to be unique, which takes no further ones and is made when they "
    "differ") {
  TemporaryFolder folder;
  {
    Faulty faulty({.path = folder.file()});
    faulty.run([&] {
      REQUIRE(faulty.insert("a", "same").has_value());
      REQUIRE(faulty.insert("b", "same").has_value());
    });
  }
  const std::vector<config::Index> unique{{.keys = {{.path = "title"}}, .unique = true}};
  {
    Faulty faulty({.path = folder.file()}, unique);
    REQUIRE(faulty.log().size() == 1);
    CHECK(faulty.log()[0] ==
          "resource things: its unique index on title can't be made until documents differ there: \"b\" has the "
          "same as another");
    faulty.run([&] {
      CHECK(is(faulty.insert("c", "same"), Error::conflict));
      CHECK(faulty.insert("c", "other").has_value());
      CHECK(is(faulty.insert("d", "other"), Error::conflict));
    });
  }
  Faulty faulty({.path = folder.file()}, unique);
  faulty.run([&] {
    CHECK(faulty.store().erase(faulty.resource(), "a", {}).has_value());
    CHECK(is(faulty.insert("d", "other"), Error::conflict));
  });
  auto look = other(folder.file());
  REQUIRE(look.ready().has_value());
  REQUIRE(look.execute("UPDATE nacre_builds SET until = 0").has_value());
  faulty.reactor().advance(Milliseconds{10'000});
  sqlite::Run run(look, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'u\\_%' ESCAPE '\\'");
  REQUIRE(run.step());
  CHECK(run.integer(0) == 1);
  faulty.run([&] { CHECK(is(faulty.insert("d", "same"), Error::conflict)); });
}

}  // namespace nacre::store
