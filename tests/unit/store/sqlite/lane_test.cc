#include "store/sqlite/lane.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "query/example.h"
#include "store/sqlite/fixture.h"

namespace nacre::store {
namespace {

/// A store whose thread jobs run when the test says.
class ByHand {
 public:
  explicit ByHand(SqliteOptions options = {}) {
    resources_.push_back(query::example_resource());
    options.path = folder_.file();
    options.synchronous = "OFF";
    options.written = [this](auto, auto ids) {
      for (const std::string_view id : ids) told += std::string(id) + ' ';
    };
    store_ = std::make_unique<SqliteUnderTest>(resources_, std::move(options));
    reactor().jobs_run_by_themselves = false;
  }

  ManualReactor& reactor() { return store_->reactor; }
  Store& store() { return store_->store(); }

  fiber::Fiber* start(std::function<void()> body, Milliseconds limit = Milliseconds{60'000}) {
    return *store_->scheduler.start(reactor().now() + limit, std::move(body));
  }
  /// Of several: "a,b".
  Result<void> insert(const std::string& ids) {
    std::vector<NewDocument> documents;
    std::istringstream list(ids);
    for (std::string id; std::getline(list, id, ',');)
      documents.push_back({.id = id, .fields = {{"title", id}}, .created = {}, .owner = {}});
    return store().insert(resources_.front(), std::move(documents), {});
  }
  bool finds(const std::string& id) { return store().find_one(resources_.front(), id, {}).has_value(); }
  Result<Page> list() { return store().find(resources_.front(), *query::parse_list_query("", resources_.front()), {}); }

  /// Runs what waits on the threads, until nothing does.
  void run_jobs() {
    for (reactor().run(); reactor().run_job();) reactor().run();
  }
  /// Asked from a fiber of its own.
  bool is_stored(const std::string& id) {
    bool found = false;
    start([&] { found = finds(id); });
    run_jobs();
    return found;
  }

  std::string told;

 private:
  TemporaryFolder folder_;
  std::vector<config::Resource> resources_;
  std::unique_ptr<SqliteUnderTest> store_;
};

}  // namespace

TEST_CASE("what comes in one turn of the loop is one job of a thread for each kind") {
  ByHand by_hand;
  int inserted = 0;
  for (int i = 0; i < 64; ++i)
    by_hand.start([&, i] { inserted += by_hand.insert("d" + std::to_string(i)).has_value() ? 1 : 0; });
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 1);
  CHECK(by_hand.reactor().run_job());
  by_hand.reactor().run();
  CHECK(inserted == 64);
  int found = 0;
  for (int i = 0; i < 64; ++i) by_hand.start([&, i] { found += by_hand.finds("d" + std::to_string(i)) ? 1 : 0; });
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 1);
  by_hand.run_jobs();
  CHECK(found == 64);
}

TEST_CASE("what comes while a job is on its way waits for the next, and lists do not wait for documents") {
  ByHand by_hand;
  int done = 0;
  by_hand.start([&] { done += by_hand.finds("a") ? 0 : 1; });
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 1);
  by_hand.start([&] { done += by_hand.finds("b") ? 0 : 1; });
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 1);
  by_hand.start([&] { done += by_hand.list() ? 1 : 0; });
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 2);
  by_hand.run_jobs();
  CHECK(done == 3);
}

TEST_CASE("of a write that is refused nothing stays, and those that go with it are done") {
  ByHand by_hand;
  std::string refused;
  for (const std::string id : {"a", "a", "b", "one,b", "c", "d,c"}) {
    by_hand.start([&by_hand, &refused, id] {
      const auto inserted = by_hand.insert(id);
      if (!inserted && inserted.error().error == Error::conflict) refused += id + " ";
    });
  }
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 1);
  by_hand.run_jobs();
  CHECK(refused == "a one,b d,c ");
  for (const std::string id : {"a", "b", "c"}) CHECK(by_hand.is_stored(id));
  for (const std::string id : {"one", "d"}) CHECK_FALSE(by_hand.is_stored(id));
}

TEST_CASE("a write that is not begun by its deadline is not done") {
  ByHand by_hand;
  Error error{};
  by_hand.start([&] { error = by_hand.insert("late").error().error; }, Milliseconds{100});
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 1);
  by_hand.reactor().advance(Milliseconds{101});
  CHECK(error == Error::deadline);
  by_hand.run_jobs();
  CHECK_FALSE(by_hand.is_stored("late"));
}

TEST_CASE("a call is bounded by the store's timeout") {
  ByHand by_hand({.timeout = Milliseconds{50}});
  Error error{};
  by_hand.start([&] { error = by_hand.insert("slow").error().error; }, Milliseconds{60'000});
  by_hand.reactor().run();
  by_hand.reactor().advance(Milliseconds{49});
  CHECK(error == Error{});
  by_hand.reactor().advance(Milliseconds{2});
  CHECK(error == Error::deadline);
  by_hand.run_jobs();
}

TEST_CASE("a write whose client went away before it began is not done") {
  ByHand by_hand;
  Error error{};
  fiber::Fiber* const fiber = by_hand.start([&] { error = by_hand.insert("gone").error().error; });
  by_hand.reactor().run();
  REQUIRE(fiber != nullptr);
  fiber::cancel(*fiber);
  CHECK(error == Error::cancelled);
  by_hand.run_jobs();
  CHECK_FALSE(by_hand.is_stored("gone"));
}

TEST_CASE("what was begun is told of when its client has gone, and when its time is over") {
  ByHand by_hand;
  std::string answers;
  const auto insert = [&](const std::string& id) {
    return [&by_hand, &answers, id] { answers += by_hand.insert(id).has_value() ? id + " is stored " : id + " is not known "; };
  };
  fiber::Fiber* const gone = by_hand.start(insert("gone"));
  by_hand.start(insert("late"), Milliseconds{100});
  by_hand.start(insert("stored"));
  by_hand.reactor().run();
  by_hand.reactor().run_job([&] {
    fiber::cancel(*gone);
    by_hand.reactor().advance(Milliseconds{101});
    CHECK(answers == "gone is not known late is not known ");
    CHECK(by_hand.told.empty());
  });
  by_hand.run_jobs();
  CHECK(by_hand.told == "gone late stored ");
}

TEST_CASE("when no thread takes the job, its calls are told that there is too much to do") {
  ByHand by_hand;
  by_hand.reactor().job_limit = 0;
  Error error{};
  by_hand.start([&] { error = by_hand.insert("a").error().error; });
  by_hand.reactor().run();
  CHECK(error == Error::overloaded);
  by_hand.reactor().job_limit = 8;
  bool inserted = false;
  by_hand.start([&] { inserted = by_hand.insert("a").has_value(); });
  by_hand.run_jobs();
  CHECK(inserted);
}

TEST_CASE("when no thread takes the job, those that wait behind its calls are told as well") {
  ByHand by_hand;
  int overloaded = 0;
  const auto insert = [&](int i) {
    const auto inserted = by_hand.insert("d" + std::to_string(i));
    overloaded += !inserted && inserted.error().error == Error::overloaded ? 1 : 0;
  };
  SUBCASE("at once") { by_hand.reactor().job_limit = 0; }
  SUBCASE("when a job before them is done") {
    by_hand.start([&] { CHECK(by_hand.insert("first").has_value()); });
    by_hand.reactor().run();
    by_hand.reactor().job_limit = 0;
  }
  for (int i = 0; i < 600; ++i) by_hand.start([&, i] { insert(i); });
  by_hand.run_jobs();
  CHECK(overloaded == 600);
}

TEST_CASE("what no thread takes waits for a lane that is at work") {
  ByHand by_hand;
  by_hand.run_jobs();
  by_hand.reactor().job_limit = 1;
  int listed = 0;
  for (int i = 0; i < 600; ++i) by_hand.start([&] { listed += by_hand.list() ? 1 : 0; });
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 1);
  by_hand.run_jobs();
  CHECK(listed == 600);
}

TEST_CASE("a queue takes so many calls and no more") {
  ByHand by_hand({.queue_limit = 3});
  int overloaded = 0;
  int inserted = 0;
  const auto insert = [&](int i) {
    const auto result = by_hand.insert("d" + std::to_string(i));
    if (result) ++inserted;
    if (!result && result.error().error == Error::overloaded) ++overloaded;
  };
  for (int i = 0; i < 5; ++i) by_hand.start([&, i] { insert(i); });
  by_hand.run_jobs();
  CHECK(inserted == 3);
  CHECK(overloaded == 2);
}

TEST_CASE("a long log is worked off beside writes, which do not wait for it") {
  ByHand by_hand;
  by_hand.run_jobs();
  bool inserted = false;
  by_hand.start([&] { inserted = by_hand.insert(std::string(3'000'000, 'x')).has_value(); });
  by_hand.reactor().run();
  REQUIRE(by_hand.reactor().run_job());
  by_hand.reactor().run();
  CHECK(inserted);
  CHECK(by_hand.reactor().jobs() == 1);
  by_hand.start([&] { inserted = by_hand.insert("next").has_value(); });
  by_hand.reactor().run();
  CHECK(by_hand.reactor().jobs() == 2);
  by_hand.run_jobs();
  CHECK(by_hand.is_stored("next"));
}

TEST_CASE("a store may end while a job is on its way") {
  ManualReactor reactor;
  fiber::Scheduler scheduler(reactor);
  TemporaryFolder folder;
  reactor.jobs_run_by_themselves = false;
  std::vector<config::Resource> resources;
  resources.push_back(query::example_resource());
  auto store = open_sqlite(reactor, {.path = folder.file()});
  store->prepare(resources);
  reactor.run();
  CHECK(reactor.jobs() == 1);
  store.reset();
  CHECK(reactor.run_job());
  reactor.run();
}

}  // namespace nacre::store
