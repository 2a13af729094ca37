#include "store/sqlite/filter_sql.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <string>

#include "query/example.h"
#include "store/mongo/filter_bson.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/table.h"

// What a client's filter becomes is bounded, and both stores take it.
namespace nacre::store::sqlite {
namespace {

const config::Resource& resource() {
  static const config::Resource things = query::example_resource();
  return things;
}

/// The code that SQLite gives for a statement with the condition.
int prepare(const std::string& condition) {
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(":memory:", &raw) == SQLITE_OK);
  const DatabaseHandle database(raw);
  const Table table(resource());
  REQUIRE(sqlite3_exec(raw, table.create.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  const std::string sql = "SELECT 1 FROM " + table.name + " WHERE (" + condition + ")";
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(raw, sql.c_str(), -1, &statement, nullptr);
  sqlite3_finalize(statement);
  return code;
}

std::string bson_of(const query::Filter& filter) {
  std::string bytes;
  nacre::mongo::BsonWriter bson(bytes);
  bson.document([&] { on_mongo::write_filter(bson, filter); });
  return bytes;
}

void check_bounded(const std::string& where) {
  CAPTURE(where);
  const auto filter = query::parse_filter(where, resource().schema);
  REQUIRE_MESSAGE(filter.has_value(), (filter ? "" : filter.error().detail));
  const Sql sql = filter_sql(*filter, resource().schema);
  CHECK(sql.text.size() <= query::kMaxCompiled);
  CHECK(bson_of(*filter).size() <= query::kMaxCompiled + where.size());
  CHECK(prepare(sql.text) == SQLITE_OK);
}

std::string deep_path(int steps) {
  std::string path = "tree";
  for (int i = 0; i < steps; ++i) path += ".a";
  return path;
}

/// As many of a condition as are allowed, in an $or.
std::string as_many_as_allowed(const std::string& condition) {
  std::string list = condition;
  std::string where = R"({"$or":[)" + list + "]}";
  while (list.size() < 100'000) {
    list += "," + condition;
    const std::string more = R"({"$or":[)" + list + "]}";
    if (!query::parse_filter(more, resource().schema)) break;
    where = more;
  }
  return where;
}

}  // namespace

TEST_CASE("the size of the SQL grows with the length of a path, not with all ways that arrays may lie on it") {
  const auto size = [](int steps) {
    const auto filter = query::parse_filter("{\"" + deep_path(steps) + "\":{\"$gt\":1}}", resource().schema);
    REQUIRE(filter.has_value());
    return filter_sql(*filter, resource().schema).text.size();
  };
  CHECK(size(30) - size(20) < 11 * (size(20) - size(19)));
  CHECK(size(30) < 10'000);
}

TEST_CASE("what the parser lets pass is no longer than it counted, and SQLite takes it") {
  for (const int steps : {1, 2, 8, 30}) {
    const std::string path = "\"" + deep_path(steps) + "\"";
    for (const char* operation :
         {"1", "null", "\"x\"", R"({"$ne":1.5})", R"({"$lte":"a"})", R"({"$in":[1,2.5,"a","b",true,false,null]})",
          R"({"$nin":[1,2.5,"a","b",true,false,null]})", R"({"$exists":false})", R"({"$size":3})", R"({"$regex":"^a"})",
          R"({"$not":{"$gt":1,"$lt":5}})", R"({"$all":[1,"a",null]})", R"({"$elemMatch":{"a.a":1,"name":null}})",
          R"({"$elemMatch":{"$in":[1,"a",true,null]}})",
          R"({"$elemMatch":{"a":{"$elemMatch":{"a":{"$elemMatch":{"a.a.a":1}}}}}})"}) {
      if (steps == 30 && std::string_view(operation).find("a.a") != std::string_view::npos) continue;  // longer than any path
      check_bounded(as_many_as_allowed("{" + path + ":" + operation + "}"));
    }
  }
}

TEST_CASE("the longest lists of values are taken") {
  std::string numbers = "0";
  std::string mixed = R"(true,false,null,"a")";
  for (std::size_t i = 1; i < query::kMaxList; ++i) numbers += "," + std::to_string(i);
  for (std::size_t i = 4; i < query::kMaxList; ++i) mixed += i % 2 == 0 ? ",true" : ",\"a\"";
  for (const char* field : {"stars", "anything", "tags", "tree.a.a"}) {
    for (const char* operation : {"$in", "$nin"}) {
      check_bounded(std::string("{\"") + field + "\":{\"" + operation + "\":[" + numbers + "]}}");
      check_bounded(std::string("{\"") + field + "\":{\"" + operation + "\":[" + mixed + "]}}");
    }
  }
  std::string all = "0";
  for (std::size_t i = 1; i < query::kMaxAll; ++i) all += "," + std::to_string(i);
  check_bounded(R"({"anything":{"$all":[)" + all + "]}}");
  check_bounded(R"({"$or":[{"$and":[{"$nor":[{"anything":{"$not":{"$all":[)" + all + "]}}}]}]}]}");
}

}  // namespace nacre::store::sqlite
