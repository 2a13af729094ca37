#include "store/sqlite/side_table.h"

namespace nacre::store::sqlite {
namespace {

constexpr int kCopiedRows = 64;
constexpr int kClearedRows = 256;
constexpr std::string_view kFill = "nacre_fill_";
constexpr std::string_view kKeep = "nacre_keep_";
constexpr int kRetriedRows = 1'024;

std::string trigger(const std::string& index, std::string_view event) {
  return in_quotes(std::string(kKeep) + index + "_" + std::string(event), '"');
}

Result<void> drop_triggers(Connection& connection, const std::string& index) {
  std::string sql;
  for (const std::string_view event : {"insert", "update", "delete"}) {
    sql += "DROP TRIGGER IF EXISTS " + trigger(index, event) + ";";
  }
  return connection.execute(sql);
}

/// The schema may be written to as long as this lives.
class OpenSchema {
 public:
  explicit OpenSchema(Connection& connection) : connection_(connection) {
    sqlite3_db_config(connection_.handle(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
    opened_ = connection_.execute("PRAGMA writable_schema = ON");
  }
  ~OpenSchema() {
    (void)connection_.execute("PRAGMA writable_schema = OFF");
    sqlite3_db_config(connection_.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  }
  OpenSchema(const OpenSchema&) = delete;
  OpenSchema& operator=(const OpenSchema&) = delete;
  const Result<void>& opened() const { return opened_; }

 private:
  Connection& connection_;
  Result<void> opened_;
};

}  // namespace

SideTable::SideTable(const Table& table, const TableIndex& index)
    : table_(table.name),
      index_(index),
      side_(in_quotes(std::string(kPrefix) + index.name, '"')),
      fill_(std::string(kFill) + index.name) {}

std::string SideTable::expressions() const {
  std::string sql;
  for (const auto& column : index_.columns) sql += ", " + column.expression;
  return sql.substr(2);
}

/// Of those of the table's rows that belong into the index.
std::string SideTable::selection(const std::string& what, const std::string& rows) const {
  std::string sql = "SELECT " + what + " FROM " + table_ + " NOT INDEXED WHERE " + rows;
  if (!index_.condition.empty()) sql += " AND (" + index_.condition + ")";
  return sql;
}

Result<void> SideTable::begin(Connection& connection) const {
  std::string columns;
  std::string keys;
  for (std::size_t i = 0; i < index_.columns.size(); ++i) {
    const std::string name = "k" + std::to_string(i);
    columns += ", " + name;
    keys += (i == 0 ? "" : ", ") + name + (index_.columns[i].descending ? " DESC" : "");
  }
  const auto remove = [&](std::string_view row) { return "DELETE FROM " + side_ + " WHERE rid = " + std::string(row) + "; "; };
  const std::string add = "INSERT INTO " + side_ + " " + selection("rowid, " + expressions(), "rowid = NEW.rowid") + "; ";
  const auto keep = [&](std::string_view event, const std::string& change) {
    return "CREATE TRIGGER " + trigger(index_.name, event) + " AFTER " + std::string(event) + " ON " + table_ + " BEGIN " +
           change + "END; ";
  };
  return connection.execute("CREATE TABLE " + side_ + " (rid INTEGER PRIMARY KEY" + columns + "); CREATE " +
                            (index_.unique ? "UNIQUE " : "") + "INDEX " + in_quotes(fill_, '"') + " ON " + side_ + " (" + keys +
                            "); " + keep("insert", remove("NEW.rowid") + add) + keep("update", remove("OLD.rowid") + add) +
                            keep("delete", remove("OLD.rowid")));
}

Result<std::optional<std::int64_t>> SideTable::copy(Connection& connection, std::int64_t after) const {
  std::int64_t last = 0;
  bool more = false;
  {
    Run run(connection, "SELECT max(rowid), count(*) FROM (SELECT rowid FROM " + table_ +
                            " NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT " + std::to_string(kCopiedRows) + ")");
    run.bind(after);
    if (!run.step()) return run.failure();
    if (run.is_null(0)) return std::optional<std::int64_t>();
    last = run.integer(0);
    more = run.integer(1) == kCopiedRows;
  }
  // A row that changed meanwhile is there already.
  std::string sql = "INSERT OR IGNORE INTO " + side_ + " " + selection("rowid, " + expressions(), "rowid > ?1 AND rowid <= ?2");
  if (auto copied = Run(connection, sql).bind(after).bind(last).finish(); !copied) return copied.error();
  if (index_.unique) {
    sql = "INSERT INTO " + side_ + " (rid) " +
          selection("rowid",
                    "rowid > ?1 AND rowid <= ?2 AND rowid NOT IN (SELECT rid FROM " + side_ + " WHERE rid > ?1 AND rid <= ?2)");
    if (auto marked = Run(connection, sql).bind(after).bind(last).finish(); !marked) return marked.error();
  }
  return more ? std::optional(last) : std::nullopt;
}

Result<std::optional<std::string>> SideTable::retry(Connection& connection) const {
  if (!index_.unique) return std::optional<std::string>();
  const std::string without_keys = "(SELECT rid FROM " + side_ + " WHERE k0 IS NULL LIMIT ";
  std::string columns = "k0";
  for (std::size_t i = 1; i < index_.columns.size(); ++i) columns += ", k" + std::to_string(i);
  const std::string sql = "UPDATE OR IGNORE " + side_ + " SET (" + columns + ") = (" +
                          selection(expressions(), table_ + ".rowid = rid") + ") WHERE rid IN " + without_keys +
                          std::to_string(kRetriedRows) + ")";
  if (auto done = Run(connection, sql).finish(); !done) return done.error();
  Run run(connection, "SELECT id FROM " + table_ + " WHERE rowid = " + without_keys + "1)");
  if (run.step()) return std::optional(std::string(run.text(0)));
  if (run.failed()) return run.failure();
  return std::optional<std::string>();
}

Result<void> SideTable::finish(Connection& connection) const {
  if (auto dropped = drop_triggers(connection, index_.name); !dropped) return dropped;
  const OpenSchema open(connection);
  if (!open.opened()) return open.opened();
  {
    Run run(connection, "UPDATE sqlite_schema SET name = ?, tbl_name = ?, sql = ? WHERE type = 'index' AND name = ?");
    const std::string bare = table_.substr(1, table_.size() - 2);
    const std::string sql = index_.create(false);
    run.bind(std::string_view(index_.name))
        .bind(std::string_view(bare))
        .bind(std::string_view(sql))
        .bind(std::string_view(fill_));
    if (auto updated = run.finish(); !updated) return updated;
  }
  std::int64_t version = 0;
  {
    Run run(connection, "PRAGMA schema_version");
    if (!run.step()) return run.failure();
    version = run.integer(0);
  }
  return connection.execute("PRAGMA schema_version = " + std::to_string(version + 1));
}

Result<bool> SideTable::clear(Connection& connection, const std::string& name) {
  const std::string index = name.substr(kPrefix.size());
  if (auto dropped = drop_triggers(connection, index); !dropped) return dropped.error();
  const std::string side = in_quotes(name, '"');
  Run run(connection, "DELETE FROM " + side + " WHERE rid IN (SELECT rid FROM " + side + " ORDER BY rid LIMIT " +
                          std::to_string(kClearedRows) + ")");
  if (auto deleted = run.finish(); !deleted) return deleted.error();
  if (sqlite3_changes(connection.handle()) > 0) return false;
  if (auto dropped = connection.execute("DROP TABLE " + side); !dropped) return dropped.error();
  return true;
}

Result<void> reload_schema(Connection& connection) {
  sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  auto reset = connection.execute("PRAGMA writable_schema = RESET");
  sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return reset;
}

}  // namespace nacre::store::sqlite
