#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "query/example.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/fixture.h"
#include "store/sqlite/reconcile.h"

namespace nacre::store {
namespace {

using Indexes = std::vector<config::Index>;

/// A worker that asks for indexes on query/example.h's resource, over a file that others use as well.
class IndexWorker {
 public:
  IndexWorker(const std::string& file, Indexes indexes, std::string generation = {}, Timestamp read = {}) {
    resources_.push_back(query::example_resource());
    resources_.back().indexes = std::move(indexes);
    under_test_ = std::make_unique<SqliteUnderTest>(SqliteOptions{.path = file,
                                                                  .synchronous = "OFF",
                                                                  .timeout = Milliseconds{2'000},
                                                                  .generation = std::move(generation),
                                                                  .read = read,
                                                                  .step = Milliseconds{0},
                                                                  .pause = Milliseconds{1}});
  }

  /// As at a worker's start.
  void start() {
    store().prepare(resources_);
    reactor().run();
  }
  /// Lets the time pass that work on indexes takes.
  void work(int milliseconds) {
    for (int i = 0; i < milliseconds; ++i) reactor().advance(Milliseconds{1});
  }
  void work_until_done(int most_seconds = 20) {
    for (int i = 0; i < most_seconds * 10; ++i) reactor().advance(Milliseconds{100});
  }

  Store& store() { return under_test_->store(); }
  ManualReactor& reactor() { return under_test_->reactor; }
  const std::vector<std::string>& log() const { return under_test_->log; }

  Result<void> insert(const std::string& id, JsonObject fields) {
    Result<void> result;
    under_test_->run([&] {
      const std::vector<NewDocument> one{{.id = id, .fields = std::move(fields), .created = {}, .owner = {}}};
      result = store().insert(resources_.front(), one, {});
    });
    return result;
  }
  void fill(int count, int first = 0) {
    under_test_->run([&] {
      for (int i = first; i < first + count; i += 500) {
        std::vector<NewDocument> some;
        for (int k = i; k < std::min(i + 500, first + count); ++k) {
          JsonObject fields{{"title", "t" + std::to_string((k * 7'919) % 10'007)}, {"stars", k}};
          if (k % 5 == 0) fields["author"] = JsonObject{{"name", "n" + std::to_string(k)}};
          some.push_back({.id = "d" + std::to_string(k), .fields = std::move(fields), .created = {}, .owner = {}});
        }
        REQUIRE(store().insert(resources_.front(), some, {}).has_value());
      }
    });
  }
  Result<void> replace(const std::string& id, JsonObject fields) {
    Result<void> result;
    under_test_->run([&] {
      auto replaced = store().replace(resources_.front(), id, fields, {}, {});
      if (!replaced) result = replaced.error();
    });
    return result;
  }
  Result<void> erase(const std::string& id) {
    Result<void> result;
    under_test_->run([&] { result = store().erase(resources_.front(), id, {}); });
    return result;
  }

 private:
  std::vector<config::Resource> resources_;
  std::unique_ptr<SqliteUnderTest> under_test_;
};

/// What is in the file, seen by another process's connection.
class Look {
 public:
  explicit Look(const std::string& file) : connection_({.path = file}, [](sqlite::Connection&) { return Result<void>(); }) {
    REQUIRE(connection_.ready().has_value());
  }
  std::int64_t count(const std::string& condition) { return number("SELECT count(*) FROM sqlite_schema WHERE " + condition); }
  std::int64_t number(const std::string& sql) {
    sqlite::Run run(connection_, sql);
    REQUIRE(run.step());
    return run.integer(0);
  }
  std::int64_t indexes() { return count("type = 'index' AND tbl_name = 'r_things' AND sql IS NOT NULL"); }
  /// Nothing but tables and indexes of the store's own.
  bool is_clean() {
    return count("name LIKE 'nacre_side%' OR name LIKE 'nacre_fill%' OR type = 'trigger'") == 0 &&
           number("SELECT count(*) FROM nacre_builds") == 0;
  }
  std::string integrity() {
    sqlite::Run run(connection_, "PRAGMA integrity_check");
    REQUIRE(run.step());
    return std::string(run.text(0));
  }
  std::string plan(const std::string& sql) {
    sqlite::Run run(connection_, "EXPLAIN QUERY PLAN " + sql);
    std::string steps;
    while (run.step()) steps.append(run.text(3)).append("\n");
    return steps;
  }
  Result<void> execute(const std::string& sql) { return connection_.execute(sql); }

 private:
  sqlite::Connection connection_;
};

config::Index on(std::vector<config::IndexKey> keys, bool unique = false) {
  return {.keys = std::move(keys), .unique = unique};
}

const Indexes kTwo{on({{.path = "stars", .descending = true}, {.path = "title"}}), on({{.path = "author.name"}}, true)};
constexpr int kMany = 6'000;

bool is_refused(const Result<void>& result, Error error) { return !result && result.error().error == error; }

}  // namespace

TEST_CASE("an index of a large table is made beside writes, and is the one that SQLite would have made") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(kMany);
  IndexWorker worker(folder.file(), kTwo);
  worker.start();
  Look look(folder.file());
  REQUIRE(look.count("name LIKE 'nacre_side%'") > 0);
  int written = 0;
  for (; look.count("name LIKE 'nacre_keep%'") > 0 && written < 5'000; ++written) {
    worker.work(2);
    REQUIRE(before.erase("d" + std::to_string(written)).has_value());
  }
  worker.work_until_done();
  CHECK(look.indexes() == 4 - 1);  // two for searches, of which one is the unique one's, and the unique one
  CHECK(look.is_clean());
  CHECK(look.integrity() == "ok");
  CHECK(look.plan("SELECT id FROM r_things ORDER BY json_extract(doc, '$.\"stars\"') DESC, json_extract(doc, '$.\"title\"')")
            .find("TEMP B-TREE") == std::string::npos);
  CHECK(worker.insert("x", {{"author", JsonObject{{"name", "only"}}}}).has_value());
  CHECK(is_refused(worker.insert("y", {{"author", JsonObject{{"name", "only"}}}}), Error::conflict));
  CHECK(worker.insert("z", {{"title", "none"}}).has_value());
  CHECK(look.integrity() == "ok");
}

TEST_CASE("what is created, changed and erased while an index is made is in it") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(kMany);
  IndexWorker worker(folder.file(), {kTwo.front()});
  worker.start();
  Look look(folder.file());
  int turn = 0;
  for (; look.count("name LIKE 'nacre_keep%'") > 0 && turn < 1'000; ++turn) {
    worker.work(1);
    IndexWorker& writer = turn % 2 == 0 ? before : worker;
    const std::string some = "d" + std::to_string((turn * 37) % kMany);
    CHECK(writer.insert("new" + std::to_string(turn), {{"stars", turn}}).has_value());
    CHECK(writer.replace(some, {{"stars", -turn}, {"title", "changed"}}).has_value());
    if (turn % 3 == 2) CHECK(writer.erase("new" + std::to_string(turn - 1)).has_value());
  }
  CHECK(turn > 20);
  CHECK(turn < 200);
  worker.work_until_done();
  CHECK(look.is_clean());
  CHECK(look.indexes() == 1);
  CHECK(look.integrity() == "ok");
}

TEST_CASE("documents are created and changed while a unique index is made of many, and none that is like one in it") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(kMany);
  IndexWorker worker(folder.file(), {kTwo.back()});
  worker.start();
  Look look(folder.file());
  const auto named = [](const std::string& name) { return JsonObject{{"author", JsonObject{{"name", name}}}}; };
  int turn = 0;
  for (; look.count("name LIKE 'nacre_keep%'") > 0 && turn < 1'000; ++turn) {
    const std::string name = "new" + std::to_string(turn);
    CHECK(worker.insert(name, named(name)).has_value());
    // A worker of the older generation knows nothing of the index, and is held to it all the same.
    CHECK(is_refused(before.insert("again", named(name)), Error::conflict));
    const auto refused = worker.insert("again", named(name));
    REQUIRE(is_refused(refused, Error::conflict));
    CHECK(refused.error().detail == "another document has the same author.name");
    CHECK(refused.error().errors[0].pointer == "/author/name");
    // One that was there before, whether it has been copied or not.
    const std::string old = "d" + std::to_string((turn * 5) % kMany);
    CHECK(worker.replace(old, named("changed" + name)).has_value());
    CHECK(is_refused(worker.replace(old, named(name)), Error::conflict));
    if (turn % 3 == 2) CHECK(worker.erase(name).has_value());
    if (turn % 3 == 2) CHECK(before.insert(name, named(name)).has_value());
    worker.work(1);
  }
  CHECK(turn > 20);
  CHECK(turn < 200);
  CHECK(is_refused(worker.insert("again", named("n5000")), Error::conflict));
  CHECK(look.number("SELECT count(*) FROM r_things WHERE id = 'again'") == 0);
  worker.work_until_done();
  CHECK(look.is_clean());
  CHECK(look.indexes() == 2);
  CHECK(look.integrity() == "ok");
  CHECK(is_refused(worker.insert("again", named("new0")), Error::conflict));
}

TEST_CASE(
    "what was written like a document that was not yet in a unique index stays, and keeps it from being made until one is "
    "gone") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(kMany);
  IndexWorker worker(folder.file(), {kTwo.back()});
  worker.start();
  Look look(folder.file());
  const auto named = [](const std::string& name) { return JsonObject{{"author", JsonObject{{"name", name}}}}; };
  const std::string last = "n" + std::to_string(kMany - 5);
  REQUIRE(worker.insert("early", named(last)).has_value());
  worker.work_until_done(2);
  CHECK(look.count("name LIKE 'u\\_%' ESCAPE '\\'") == 0);
  CHECK(is_refused(worker.insert("x", named(last)), Error::conflict));
  CHECK(worker.insert("x", named("else")).has_value());
  CHECK(worker.erase("early").has_value());
  worker.reactor().advance(Milliseconds{10'000});
  REQUIRE(look.execute("UPDATE nacre_builds SET until = 0").has_value());
  worker.work_until_done();
  CHECK(look.is_clean());
  CHECK(look.integrity() == "ok");
  CHECK(is_refused(worker.insert("y", named(last)), Error::conflict));
}

TEST_CASE("indexes that are made are checked one at a time, each once") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(kMany);
  config::Resource resource = query::example_resource();
  resource.indexes = {on({{.path = "stars"}}), on({{.path = "title"}})};
  sqlite::Blueprint blueprint({}, Milliseconds{20}, {});
  blueprint.set_tables({std::make_shared<const sqlite::Table>(resource)});
  sqlite::Connection connection({.path = folder.file(), .synchronous = "OFF"},
                                [&](sqlite::Connection& opened) { return blueprint.make_tables(opened); });
  REQUIRE(connection.ready().has_value());
  std::vector<std::string> checked;
  const auto step_often = [&] {
    for (int i = 0; i < 500; ++i) {
      REQUIRE(blueprint.step(connection).has_value());
      if (const auto unchecked = blueprint.take_unchecked()) checked.push_back(unchecked->index);
    }
  };
  step_often();
  REQUIRE(checked.size() == 1);
  blueprint.set_checked(checked[0], true);
  step_often();
  REQUIRE(checked.size() == 2);
  CHECK(checked[0] != checked[1]);
  blueprint.set_checked(checked[1], true);
  step_often();
  CHECK(checked.size() == 2);
  CHECK(Look(folder.file()).is_clean());
}

TEST_CASE("many documents that are the same keep a unique index from being made until all differ, and hold up no write") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(kMany);
  const auto named = [](const std::string& name) { return JsonObject{{"author", JsonObject{{"name", name}}}}; };
  for (int i = 0; i < 300; ++i) REQUIRE(before.insert("same" + std::to_string(i), named("n5000")).has_value());
  IndexWorker worker(folder.file(), {kTwo.back()});
  worker.start();
  worker.work_until_done(12);
  Look look(folder.file());
  CHECK(look.count("name LIKE 'u\\_%' ESCAPE '\\'") == 0);
  CHECK(std::count_if(worker.log().begin(), worker.log().end(),
                      [](const std::string& line) { return line.find("can't be made") != std::string::npos; }) == 1);
  CHECK(worker.insert("x", {{"title", "t"}}).has_value());
  CHECK(is_refused(worker.insert("y", named("n5000")), Error::conflict));
  const auto retry = [&] {
    REQUIRE(look.execute("UPDATE nacre_builds SET until = 0").has_value());
    worker.work_until_done(2);
  };
  // One changes, the others go, and so does the one that they were like: then one of two is left that are the same.
  CHECK(is_refused(worker.replace("same0", named("n5005")), Error::conflict));
  CHECK(worker.replace("same0", named("mine")).has_value());
  for (int i = 1; i < 298; ++i) REQUIRE(worker.erase("same" + std::to_string(i)).has_value());
  CHECK(worker.erase("d5000").has_value());
  retry();
  CHECK(look.count("name LIKE 'u\\_%' ESCAPE '\\'") == 0);
  CHECK(is_refused(worker.insert("y", named("n5000")), Error::conflict));
  CHECK(worker.erase("same298").has_value());
  retry();
  worker.work_until_done();
  CHECK(look.count("name LIKE 'u\\_%' ESCAPE '\\'") == 1);
  CHECK(look.is_clean());
  CHECK(look.integrity() == "ok");
  CHECK(is_refused(worker.insert("y", named("n5000")), Error::conflict));
  CHECK(is_refused(worker.insert("y", named("mine")), Error::conflict));
}

TEST_CASE("a worker of an older generation makes and drops nothing, whenever it opens the file") {
  TemporaryFolder folder;
  const Timestamp earlier{Milliseconds{1'000}};
  const Timestamp later{Milliseconds{2'000}};
  Look look(folder.file());
  IndexWorker old(folder.file(), {on({{.path = "stars"}})}, "old", earlier);
  old.start();
  CHECK(look.indexes() == 1);
  IndexWorker fresh(folder.file(), {on({{.path = "title"}}, true)}, "fresh", later);
  fresh.start();
  CHECK(look.indexes() == 2);
  CHECK(look.count("name LIKE 'u\\_%' ESCAPE '\\'") == 1);
  old.work_until_done(2);
  CHECK(old.insert("a", {{"title", "x"}}).has_value());
  CHECK(is_refused(old.insert("b", {{"title", "x"}}), Error::conflict));
  SUBCASE("another of its workers begins") {
    IndexWorker sibling(folder.file(), {on({{.path = "stars"}})}, "old", earlier);
    sibling.start();
    CHECK(sibling.insert("c", {{"title", "y"}}).has_value());
  }
  SUBCASE("one of a reload in between comes late") {
    IndexWorker late(folder.file(), {}, "between", Timestamp{Milliseconds{1'500}});
    late.start();
    CHECK(late.insert("c", {{"title", "y"}}).has_value());
  }
  CHECK(look.indexes() == 2);
  CHECK(look.count("name LIKE 'u\\_%' ESCAPE '\\'") == 1);
  SUBCASE("the same configuration again is a new generation") {
    IndexWorker again(folder.file(), {on({{.path = "stars"}})}, "again", Timestamp{Milliseconds{3'000}});
    again.start();
    CHECK(look.indexes() == 1);
  }
}

TEST_CASE("whoever makes a table makes its indexes with it, so that they judge the first document") {
  TemporaryFolder folder;
  std::vector<config::Resource> resources;
  resources.push_back(query::example_resource());
  resources.back().indexes = kTwo;
  sqlite::Blueprint blueprint({}, Milliseconds{0}, {});
  blueprint.set_tables({std::make_shared<const sqlite::Table>(resources.back())});
  sqlite::Connection reader({.path = folder.file(), .read_only = true},
                            [&](sqlite::Connection& opened) { return blueprint.make_tables(opened); });
  REQUIRE(reader.ready().has_value());
  CHECK(Look(folder.file()).indexes() == 3);
}

TEST_CASE("readers make no index of a table that is there") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(10);
  IndexWorker worker(folder.file(), {on({{.path = "title"}})});
  Look look(folder.file());
  REQUIRE(look.execute("BEGIN IMMEDIATE").has_value());  // no writer gets anywhere
  worker.reactor().jobs_run_by_themselves = true;
  CHECK(look.indexes() == 0);
  REQUIRE(look.execute("ROLLBACK").has_value());
  worker.start();
  CHECK(look.indexes() == 1);
}

TEST_CASE("a newer generation clears what an older one has begun") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(kMany);
  IndexWorker first(folder.file(), kTwo);
  first.start();
  first.work(3);
  Look look(folder.file());
  REQUIRE(look.count("name LIKE 'nacre_side%'") > 0);
  IndexWorker second(folder.file(), {on({{.path = "title"}})});
  second.start();
  second.work_until_done();
  first.work_until_done(2);
  CHECK(look.is_clean());
  CHECK(look.indexes() == 1);
  CHECK(second.insert("x", {{"title", "t"}}).has_value());
  CHECK(look.integrity() == "ok");
  SUBCASE("and one that wants it again begins anew") {
    IndexWorker third(folder.file(), kTwo);
    third.start();
    third.work_until_done();
    CHECK(look.is_clean());
    CHECK(look.indexes() == 3);
    CHECK(look.integrity() == "ok");
  }
}

TEST_CASE("a worker that is killed while it makes an index leaves it to the next") {
  TemporaryFolder folder;
  {
    IndexWorker before(folder.file(), {}, "zero", Timestamp{Milliseconds{500}});
    before.start();
    before.fill(kMany);
  }
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    IndexWorker worker(folder.file(), kTwo, "one", Timestamp{Milliseconds{1'000}});
    worker.start();
    worker.work(4);
    raise(SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  Look look(folder.file());
  REQUIRE(look.count("name LIKE 'nacre_side%'") > 0);
  SUBCASE("of its generation, which goes on") {
    IndexWorker next(folder.file(), kTwo, "one", Timestamp{Milliseconds{1'000}});
    REQUIRE(look.execute("UPDATE nacre_builds SET until = 0").has_value());
    next.start();
    next.work_until_done();
    CHECK(look.indexes() == 3);
  }
  SUBCASE("of another one, which wants none of it") {
    IndexWorker next(folder.file(), {});
    next.start();
    next.work_until_done();
    CHECK(look.indexes() == 0);
    CHECK(next.insert("x", {}).has_value());
  }
  CHECK(look.is_clean());
  CHECK(look.integrity() == "ok");
}

TEST_CASE("an index that the check finds wrong is made anew, plainly, with a line for operators") {
  TemporaryFolder folder;
  IndexWorker before(folder.file(), {});
  before.start();
  before.fill(kMany);
  config::Resource resource = query::example_resource();
  resource.indexes = {kTwo.front()};
  std::vector<std::string> log;
  sqlite::Blueprint blueprint({}, Milliseconds{50}, [&](LogLevel, std::string_view line) { log.emplace_back(line); });
  blueprint.set_tables({std::make_shared<const sqlite::Table>(resource)});
  sqlite::Connection writer({.path = folder.file()}, [&](sqlite::Connection& c) { return blueprint.make_tables(c); });
  REQUIRE(writer.ready().has_value());
  std::optional<sqlite::Blueprint::Unchecked> unchecked;
  for (int i = 0; i < 1'000 && !unchecked; ++i) {
    REQUIRE(blueprint.step(writer).has_value());
    unchecked = blueprint.take_unchecked();
  }
  REQUIRE(unchecked);
  CHECK(unchecked->table == "r_things");
  blueprint.set_checked(unchecked->index, false);
  auto progress = blueprint.step(writer);
  for (int i = 0; i < 1'000 && progress && *progress == sqlite::Blueprint::Progress::more; ++i)
    progress = blueprint.step(writer);
  REQUIRE(progress.has_value());
  CHECK(*progress == sqlite::Blueprint::Progress::done);
  CHECK(std::count_if(log.begin(), log.end(), [](const auto& line) { return line.find("made anew") != std::string::npos; }) ==
        1);
  Look look(folder.file());
  CHECK(look.indexes() == 1);
  CHECK(look.is_clean());
  CHECK(look.integrity() == "ok");
}

}  // namespace nacre::store
