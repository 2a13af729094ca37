#pragma once

#include <optional>
#include <string>
#include <vector>

#include "query/list_query.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/table.h"

namespace nacre::store::sqlite {

/// A list request as statements.
struct ListPlan {
  /// One after another until the page is full: each is a range of an index that serves the order, so a page costs the same
  /// wherever it lies. The first page is one statement; a later one is at most two for each key. The columns are those of
  /// `Table::kColumns`, then the sort keys. The last parameter, not in `values`, is the number of rows wanted.
  std::vector<Sql> segments;
  std::optional<Sql> total;
};

ListPlan plan_list(const Table& table, const config::Resource& resource, const query::ListQuery& query,
                   const std::optional<std::string>& owner);

/// A sort key of the current row, as a cursor holds it.
Json key_value(const Run& run, int column, const query::FieldRef& field);

}  // namespace nacre::store::sqlite
