#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "query/filter.h"
#include "store/sqlite/value.h"

namespace nacre::store::sqlite {

/// The column of a built-in field: `_id` → id.
std::string_view column_of(std::string_view built_in);

/// A dotted path as a literal for SQLite's JSON functions: '$."author"."name"'.
std::string json_path(std::string_view dotted);

/// The expression for a field's value in a row: a column, or json_extract over `doc`. Indexes are made on exactly this text, so
/// that filters and orders find them.
std::string expression(const query::FieldRef& field);

/// A value as the table holds it: a date of a built-in field as a number, a text as `to_stored` gives it.
Value to_value(const Json& value, const query::FieldRef& field);

}  // namespace nacre::store::sqlite
