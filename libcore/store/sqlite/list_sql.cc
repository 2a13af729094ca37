#include "store/sqlite/list_sql.h"

#include "store/sqlite/field_sql.h"
#include "store/sqlite/filter_sql.h"

namespace nacre::store::sqlite {
namespace {

Sql where(const config::Resource& resource, const query::ListQuery& query, const std::optional<std::string>& owner) {
  Sql sql{"("};
  sql << filter_sql(query.where, resource.schema) << ")";
  if (owner) (sql << " AND owner = ").bind(*owner);
  return sql;
}

Sql equals(const query::SortKey& key, const Json& value) {
  Sql sql{expression(key.field)};
  if (value.is_null()) return sql << " IS NULL";
  sql << " = ";
  return sql.bind(to_value(value, key.field));
}

/// What comes after `value` in the key's own order, each condition a range. NULL is the least.
std::vector<Sql> beyond(const query::SortKey& key, const Json& value) {
  const std::string field = expression(key.field);
  if (value.is_null()) return key.descending ? std::vector<Sql>{} : std::vector<Sql>{Sql{field + " IS NOT NULL"}};
  Sql range{field + (key.descending ? " < " : " > ")};
  range.bind(to_value(value, key.field));
  if (!key.descending || key.field.path == "_id") return {range};
  return {range, Sql{field + " IS NULL"}};
}

/// The documents after a position as disjoint ranges, in order: those that share all keys but the last with it, then those that
/// share one less, and so on. One OR of them all would not be a range of any index.
std::vector<Sql> ranges_after(const query::ListQuery& query) {
  std::vector<Sql> ranges;
  for (std::size_t last = query.sort.size(); last-- > 0;) {
    Sql shared;
    for (std::size_t i = 0; i < last; ++i) shared << " AND " << equals(query.sort[i], query.after[i]);
    for (const Sql& range : beyond(query.sort[last], query.after[last])) {
      Sql condition = shared;
      condition << " AND " << range;
      ranges.push_back(std::move(condition));
    }
  }
  return ranges;
}

}  // namespace

ListPlan plan_list(const Table& table, const config::Resource& resource, const query::ListQuery& query,
                   const std::optional<std::string>& owner) {
  const Sql condition = where(resource, query, owner);
  std::string keys;
  std::string order;
  for (const auto& key : query.sort) {
    const std::string field = expression(key.field);
    keys += ", " + field;
    order += (order.empty() ? "" : ", ") + field + (key.descending ? " DESC" : "");
  }
  ListPlan plan;
  const std::vector<Sql> ranges = query.after.empty() ? std::vector<Sql>{Sql{}} : ranges_after(query);
  for (const Sql& range : ranges) {
    Sql sql{"SELECT " + std::string(Table::columns) + keys + " FROM " + table.name + " WHERE "};
    sql << condition << range << " ORDER BY " << order << " LIMIT ?";
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
    case SQLITE_TEXT:
      return Json(run.text(column));
    default:
      break;
  }
  const std::int64_t integer = run.integer(column);
  if (field.built_in && field.field.date_time) return Json(format_rfc3339(Timestamp{Milliseconds{integer}}));
  if ((field.field.types & ~schema::kNull) == schema::kBoolean) return integer != 0;
  return integer;
}

}  // namespace nacre::store::sqlite
