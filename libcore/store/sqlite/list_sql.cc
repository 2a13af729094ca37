#include "store/sqlite/list_sql.h"

#include <limits>

#include "store/sqlite/field_sql.h"
#include "store/sqlite/filter_sql.h"
#include "store/sqlite/stored_text.h"

namespace nacre::store::sqlite {
namespace {

Sql where(const config::Resource& resource, const query::ListQuery& query, const std::optional<std::string>& owner) {
  Sql sql{"("};
  sql << filter_sql(query.where, resource.schema) << ")";
  if (owner) (sql << " AND owner = ").bind(to_stored(*owner));
  return sql;
}

Sql equals(const query::SortKey& key, const Json& value) {
  Sql sql{expression(key.field)};
  if (value.is_null()) return sql << " IS NULL";
  sql << " = ";
  return sql.bind(to_value(value, key.field));
}

/// Some of the documents after a position: those that the condition selects all share the keys before `first_key`.
struct Range {
  Sql condition;
  std::size_t first_key = 0;
};

/// What comes after `value` in the order of one key, as conditions that each are a range. NULL is the least.
std::vector<Range> beyond(const query::SortKey& key, std::size_t index, const Json& value) {
  const std::string field = expression(key.field);
  if (value.is_null()) {
    if (key.descending) return {};
    Sql any{field + " >= "};  // IS NOT NULL is not taken for a range
    any.bind(-std::numeric_limits<double>::infinity());
    return {{any, index}};
  }
  Sql range{field + (key.descending ? " < " : " > ")};
  range.bind(to_value(value, key.field));
  if (!key.descending || key.field.path == "_id") return {{range, index}};
  return {{range, index}, {Sql{field + " IS NULL"}, index + 1}};
}

/// The documents after a position as disjoint ranges, in order: those that share all keys but the last with it, then those that
/// share one less, and so on. One OR of them all would not be a range of any index.
std::vector<Range> ranges_after(const query::ListQuery& query) {
  std::vector<Range> ranges;
  for (std::size_t last = query.sort.size(); last-- > 0;) {
    Sql shared;
    for (std::size_t i = 0; i < last; ++i) shared << " AND " << equals(query.sort[i], query.after[i]);
    for (Range& range : beyond(query.sort[last], last, query.after[last])) {
      Sql condition = shared;
      condition << " AND " << range.condition;
      ranges.push_back({std::move(condition), range.first_key});
    }
  }
  return ranges;
}

/// SQLite would sort what an index gives in order already, if keys that are all the same were named.
std::string order_from(const std::vector<query::SortKey>& sort, std::size_t first_key) {
  std::string order;
  for (std::size_t i = first_key; i < sort.size(); ++i) {
    order += (order.empty() ? "" : ", ") + expression(sort[i].field) + (sort[i].descending ? " DESC" : "");
  }
  return order;
}

}  // namespace

ListPlan plan_list(const Table& table, const config::Resource& resource, const query::ListQuery& query,
                   const std::optional<std::string>& owner) {
  const Sql condition = where(resource, query, owner);
  std::string keys;
  for (const auto& key : query.sort) keys += ", " + expression(key.field);
  ListPlan plan;
  const std::vector<Range> ranges = query.after.empty() ? std::vector<Range>(1) : ranges_after(query);
  for (const Range& range : ranges) {
    Sql sql{"SELECT " + std::string(Table::kColumns) + keys + " FROM " + table.name + " WHERE "};
    sql << condition << range.condition << " ORDER BY " << order_from(query.sort, range.first_key) << " LIMIT ?";
    plan.segments.push_back(std::move(sql));
  }
  if (query.count) {
    plan.total = Sql{"SELECT count(*) FROM " + table.name + " WHERE "};
    *plan.total << condition;
  }
  return plan;
}

Json key_value(const Run& run, int column, const query::FieldRef& field) {
  switch (run.type(column)) {
    case SQLITE_NULL:
      return nullptr;
    case SQLITE_FLOAT:
      return run.real(column);
    case SQLITE_TEXT: {
      std::string room;
      return Json(from_stored(run.text(column), room));
    }
    default:
      break;
  }
  const std::int64_t integer = run.integer(column);
  if (field.built_in && field.field.date_time) return Json(format_rfc3339(Timestamp{Milliseconds{integer}}));
  if ((field.field.types & ~schema::kNull) == schema::kBoolean) return integer != 0;
  return integer;
}

}  // namespace nacre::store::sqlite
