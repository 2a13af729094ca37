#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../unit/query/example.h"
#include "json/parse.h"
#include "query/filter.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/filter_sql.h"
#include "store/sqlite/table.h"

// A `where` is refused with its place, or within the limits of the language, and then SQLite takes what becomes of it.
namespace {

using nacre::query::Filter;

void require(bool holds) {
  if (!holds) std::abort();
}

int check(const Filter& filter, int depth) {
  require(depth <= 2 * nacre::query::kMaxDepth + 1);  // an implied conjunction on each level
  require(filter.values.size() <= nacre::query::kMaxList);
  for (const auto& value : filter.values) {
    require(!value.is_structured() && !value.is_uint64());
    require(!value.is_string() || value.get_string().find('\0') == boost::json::string::npos);
  }
  using Kind = Filter::Kind;
  const bool group = filter.kind == Kind::everything || filter.kind == Kind::conjunction || filter.kind == Kind::disjunction ||
                     filter.kind == Kind::nor || filter.kind == Kind::negation;
  int conditions = group ? 0 : 1;
  for (const auto& child : filter.children) conditions += check(child, depth + 1);
  return conditions;
}

/// A table with documents of many shapes.
sqlite3* database(const nacre::store::sqlite::Table& table) {
  sqlite3* opened = nullptr;
  require(sqlite3_open(":memory:", &opened) == SQLITE_OK);
  require(sqlite3_exec(opened, table.create.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  const std::string rows = "INSERT INTO " + table.name +
                           R"( VALUES ('a', 1, 0, 0, NULL, '{}'),
    ('b', 2, 1, 1, 'ann', '{"title":"x","stars":5,"tags":["a",null,1],"items":[{"n":1,"parts":[{"id":2}]}],"anything":[[{"a":1}]]}'))";
  require(sqlite3_exec(opened, rows.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  return opened;
}

void run(const Filter& filter, const nacre::config::Resource& resource) {
  static const nacre::store::sqlite::Table table(resource);
  static sqlite3* const opened = database(table);
  const auto condition = nacre::store::sqlite::filter_sql(filter, resource.schema);
  const std::string sql = "SELECT count(*) FROM " + table.name + " WHERE (" + condition.text + ")";
  sqlite3_stmt* raw = nullptr;
  require(sqlite3_prepare_v2(opened, sql.c_str(), -1, &raw, nullptr) == SQLITE_OK);
  const nacre::store::sqlite::StatementHandle statement(raw);
  require(sqlite3_bind_parameter_count(raw) == static_cast<int>(condition.values.size()));
  for (std::size_t i = 0; i < condition.values.size(); ++i) {
    const auto& value = condition.values[i];
    const int place = static_cast<int>(i) + 1;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) sqlite3_bind_int64(raw, place, *integer);
    if (const auto* text = std::get_if<std::string>(&value))
      sqlite3_bind_text(raw, place, text->data(), static_cast<int>(text->size()), SQLITE_STATIC);
  }
  require(sqlite3_step(raw) == SQLITE_ROW);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const nacre::config::Resource resource = nacre::query::example_resource();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto filter = nacre::query::parse_filter(text, resource.schema);
  if (!filter) {
    require(filter.error().error == nacre::Error::bad_request);
    require(filter.error().detail.starts_with("where: "));
    return 0;
  }
  require(check(*filter, 0) <= nacre::query::kMaxConditions);
  run(*filter, resource);
  return 0;
}
