#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/sqlite/connection.h"
#include "store/sqlite/table.h"

namespace nacre::store::sqlite {

/// How an index of a large table is made without holding SQLite's write lock for long: a side table has the keys of each row
/// under the row's rowid, and an index on them. Triggers keep it current, whoever writes, while the rows that were there before
/// are copied in small transactions. When all are, the side table's index becomes the table's: a tree of an index holds the
/// keys and the rowid and nothing else, so that it is enough to enter it in the schema under another name
/// (https://sqlite.org/fileformat2.html#representation_of_sql_indices).
///
/// All calls are made inside of a transaction that writes.
class SideTable {
 public:
  static constexpr std::string_view kPrefix = "nacre_side_";

  SideTable(const Table& table, const TableIndex& index);

  /// Makes the empty side table and its triggers. From here on a write that has the same as a row which is there, where that
  /// must be unique, is refused with SQLITE_CONSTRAINT_UNIQUE, by the side table's name.
  Result<void> begin(Connection& connection) const;

  /// Copies a few rows after the rowid. Gives the last one's; nullopt: there are no more. Where the index is unique, one that
  /// has the same keys as another is left out: it stands in the side table without keys.
  Result<std::optional<std::int64_t>> copy(Connection& connection, std::int64_t after) const;

  /// Tries again to give some of the rows that were left out their keys. Gives the id of one that still is, nullopt for none.
  Result<std::optional<std::string>> retry(Connection& connection) const;

  /// Makes the side table's index the table's, when all rows are in it. The connection's idea of the schema is wrong until
  /// `reload_schema`.
  Result<void> finish(Connection& connection) const;

  /// Takes a few rows of what is left of a side table, by its name, and its triggers; true: nothing is left.
  static Result<bool> clear(Connection& connection, const std::string& name);

 private:
  std::string expressions() const;
  std::string selection(const std::string& what, const std::string& rows) const;

  const std::string table_;
  const TableIndex& index_;
  const std::string side_;
  const std::string fill_;  // its index
};

/// Outside of a transaction, after `finish`.
Result<void> reload_schema(Connection& connection);

}  // namespace nacre::store::sqlite
