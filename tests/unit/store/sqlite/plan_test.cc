#include <doctest/doctest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

#include "json/parse.h"
#include "query/example.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/fixture.h"
#include "store/sqlite/list_sql.h"

// Reads what SQLite means to do (EXPLAIN QUERY PLAN): an index that a statement does not use is only a cost.
namespace nacre::store::sqlite {
namespace {

config::Resource indexed_things() {
  config::Resource things = query::example_resource();
  things.indexes = {{.keys = {{.path = "title"}}},
                    {.keys = {{.path = "stars", .descending = true}, {.path = "title"}}},
                    {.keys = {{.path = "author.name"}}, .unique = true},
                    {.keys = {{.path = "due"}}},
                    {.keys = {{.path = "_created"}}}};
  return things;
}

class Plans {
 public:
  Plans() {
    resources_.push_back(indexed_things());
    store_ = std::make_unique<SqliteUnderTest>(resources_, SqliteOptions{.path = folder_.file(), .synchronous = "OFF"});
    REQUIRE(connection_.ready().has_value());
  }

  const config::Resource& resource() const { return resources_.front(); }
  Store& store() { return store_->store(); }
  void run(const std::function<void()>& body) { store_->run(body); }

  query::ListQuery query(const std::string& parameters) const {
    const auto query = query::parse_list_query(parameters, resource());
    REQUIRE_MESSAGE(query.has_value(), parameters << (query ? "" : query.error().detail));
    return *query;
  }

  /// The steps of all statements of a list, a line each.
  std::string explain(const query::ListQuery& query, const std::optional<std::string>& owner = {}) {
    const ListPlan plan = plan_list(Table(resource()), resource(), query, owner);
    std::string steps;
    for (const Sql& segment : plan.segments) {
      Run run(connection_, "EXPLAIN QUERY PLAN " + segment.text);
      for (const Value& value : segment.values) run.bind_value(value);
      while (run.step()) steps.append(run.text(3)).append("\n");
      REQUIRE_FALSE(run.failed());
    }
    return steps;
  }
  std::string explain(const std::string& parameters) { return explain(query(parameters)); }

  /// What SQLite's machine does for one page.
  int cost(const query::ListQuery& query) {
    const ListPlan plan = plan_list(Table(resource()), resource(), query, {});
    int steps = 0;
    std::size_t rows = 0;
    for (const Sql& segment : plan.segments) {
      Run run(connection_, segment.text);
      for (const Value& value : segment.values) run.bind_value(value);
      run.bind(static_cast<std::int64_t>(query.limit - rows + 1));
      while (run.step()) ++rows;
      REQUIRE_FALSE(run.failed());
      sqlite3_stmt* const statement = connection_.statement(segment.text);
      steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
      if (rows > query.limit) break;
    }
    return steps;
  }

 private:
  TemporaryFolder folder_;
  std::vector<config::Resource> resources_;
  std::unique_ptr<SqliteUnderTest> store_;
  Connection connection_{{.path = folder_.file(), .read_only = true}, [](Connection&) { return Result<void>(); }};
};

bool has(const std::string& steps, std::string_view part) { return steps.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a filter on an indexed field is a search of the index") {
  Plans plans;
  for (const char* where :
       {R"({"title":"a"})", R"({"title":{"$gt":"a"}})", R"({"title":{"$gte":"a","$lt":"b"}})", R"({"title":{"$regex":"^ab"}})",
        R"({"title":{"$in":["a","b"]}})", R"({"title":null})", R"({"stars":5})", R"({"stars":5.5})", R"({"stars":{"$lt":7}})",
        R"({"stars":3,"title":"a"})", R"({"author.name":"ann"})", R"({"due":{"$gte":"2026-01-01T00:00:00Z"}})",
        R"({"_created":{"$gt":"2026-01-01T00:00:00Z"}})", R"({"$and":[{"title":"a"},{"pinned":true}]})"}) {
    CAPTURE(where);
    // In an order that no index serves: a page in the order of _id may as well be read in that order.
    const std::string steps = plans.explain(std::string("sort=price&where=") + where);
    CAPTURE(steps);
    CHECK(has(steps, "SEARCH r_things USING INDEX i_"));
    CHECK_FALSE(has(steps, "SCAN r_things"));
  }
}

TEST_CASE("an equality on an indexed field in the order of _id needs no sorting") {
  Plans plans;
  const auto first = plans.explain("where={\"title\":\"a\"}");
  CHECK(has(first, "SEARCH r_things USING INDEX i_"));
  CHECK_FALSE(has(first, "TEMP B-TREE"));
  auto query = plans.query("where={\"title\":\"a\"}");
  query.after = {"d5"};
  const auto later = plans.explain(query);
  CAPTURE(later);
  CHECK(has(later, "SEARCH r_things USING INDEX i_"));
  CHECK(has(later, "AND id>?"));
  CHECK_FALSE(has(later, "TEMP B-TREE"));
}

TEST_CASE("a later page is ranges of the index that serves its order") {
  Plans plans;
  struct Order {
    std::string sort;
    std::vector<Json> after;
  };
  for (const Order& order :
       {Order{"_id", {"d5"}}, Order{"-_id", {"d5"}}, Order{"title", {"a", "d5"}}, Order{"-title", {"a", "d5"}},
        Order{"title", {nullptr, "d5"}}, Order{"-title", {nullptr, "d5"}}, Order{"-stars,title", {5, "a", "d5"}},
        Order{"stars,-title", {5, "a", "d5"}}, Order{"-stars,title", {nullptr, nullptr, "d5"}},
        Order{"-stars,title", {5.5, nullptr, "d5"}}, Order{"author.name", {"ann", "d5"}},
        Order{"-due", {"2026-01-01T00:00:00.000Z", "d5"}}, Order{"_created", {"2026-01-01T00:00:00.000Z", "d5"}}}) {
    CAPTURE(order.sort);
    auto query = plans.query("sort=" + order.sort);
    query.after = order.after;
    const auto steps = plans.explain(query);
    CAPTURE(steps);
    CHECK(has(steps, "SEARCH r_things USING "));
    CHECK_FALSE(has(steps, "SCAN"));
    CHECK_FALSE(has(steps, "TEMP B-TREE"));
    query.after.clear();
    CHECK_FALSE(has(plans.explain(query), "TEMP B-TREE"));
  }
}

TEST_CASE("page 1,000 costs what page 1 does") {
  Plans plans;
  plans.run([&] {
    std::vector<NewDocument> documents;
    for (int i = 0; i < 5'100; ++i) {
      const std::string id = std::to_string(10'000 + i);
      documents.push_back({.id = id, .fields = {{"title", "t" + id}, {"stars", i / 100}}, .created = {}, .owner = {}});
    }
    REQUIRE(plans.store().insert(plans.resource(), documents, {}).has_value());
  });
  const auto first = plans.query("sort=title&limit=5");
  auto thousandth = first;
  thousandth.after = {"t14995", "14995"};
  CHECK(plans.cost(thousandth) < 2 * plans.cost(first));
  const auto first_of_two = plans.query("sort=-stars,title&limit=5");
  auto thousandth_of_two = first_of_two;
  thousandth_of_two.after = {1, "t10104", "10104"};
  CHECK(plans.cost(thousandth_of_two) < 2 * plans.cost(first_of_two));
}

TEST_CASE("a document is found by its _id in one search") {
  Plans plans;
  TemporaryFolder folder;
  Connection connection({.path = folder.file()}, [](Connection& c) { return c.execute(Table(indexed_things()).create); });
  REQUIRE(connection.ready().has_value());
  Run run(connection, "EXPLAIN QUERY PLAN " + Table(indexed_things()).find_one);
  run.bind("x");
  REQUIRE(run.step());
  CHECK(run.text(3) == "SEARCH r_things USING INDEX sqlite_autoindex_r_things_1 (id=?)");
  CHECK_FALSE(run.step());
}

}  // namespace nacre::store::sqlite
