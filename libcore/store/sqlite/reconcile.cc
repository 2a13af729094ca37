#include "store/sqlite/reconcile.h"

#include <algorithm>
#include <set>

namespace nacre::store::sqlite {
namespace {

constexpr Milliseconds kRetry{5'000};
constexpr std::string_view kRememberedIndex = "nacre_remembered_expires";

/// Names of the indexes on our tables, and of the tables themselves.
struct Present {
  std::set<std::string> tables;
  std::set<std::string> indexes;
};

Result<Present> look(Connection& connection) {
  Present present;
  Run run(connection, "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'index')");
  while (run.step()) (run.text(0) == "table" ? present.tables : present.indexes).emplace(run.text(1));
  if (run.failed()) return run.failure();
  return present;
}

/// A table's name without its quotes.
std::string bare(const Table& table) { return table.name.substr(1, table.name.size() - 2); }

/// Indexes are dropped only from tables of the configuration: another configuration may share the file.
Result<std::vector<std::string>> indexes_of(Connection& connection, const std::string& table) {
  std::vector<std::string> names;
  Run run(connection, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?");
  run.bind(std::string_view(table));
  while (run.step()) {
    const std::string_view name = run.text(0);
    if (name.starts_with("i_") || name.starts_with("u_")) names.emplace_back(name);
  }
  if (run.failed()) return run.failure();
  return names;
}

bool wants(const Table& table, std::string_view index) {
  return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const TableIndex& i) { return i.name == index; });
}

}  // namespace

void Blueprint::set_tables(std::vector<std::shared_ptr<const Table>> tables) {
  const std::lock_guard lock(mutex_);
  tables_ = std::move(tables);
}

Result<bool> Blueprint::is_applied(Connection& connection) const {
  const auto present = look(connection);
  if (!present) return present.error();
  if (!present->indexes.contains(std::string(kRememberedIndex))) return false;
  for (const auto& table : tables_) {
    if (!present->tables.contains(bare(*table))) return false;
    for (const auto& index : table->indexes) {
      if (!present->indexes.contains(index.name)) return false;
    }
    const auto names = indexes_of(connection, bare(*table));
    if (!names) return names.error();
    if (!std::all_of(names->begin(), names->end(), [&](const std::string& name) { return wants(*table, name); })) return false;
  }
  return true;
}

Result<void> Blueprint::apply(Connection& connection) {
  const std::lock_guard lock(mutex_);
  const auto applied = is_applied(connection);
  if (!applied) return applied.error();
  if (*applied) {
    blocked_.clear();
    return {};
  }
  if (auto begun = connection.execute("BEGIN IMMEDIATE"); !begun) return begun;
  if (auto changed = change(connection); !changed) {
    if (!connection.autocommit()) (void)connection.execute("ROLLBACK");
    return changed;
  }
  return connection.execute("COMMIT");
}

Result<void> Blueprint::change(Connection& connection) {
  blocked_.clear();
  const std::string remembered(kRememberedTable);
  if (auto made =
          connection.execute("CREATE TABLE IF NOT EXISTS " + remembered +
                             " (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;"
                             " CREATE INDEX IF NOT EXISTS " +
                             std::string(kRememberedIndex) + " ON " + remembered + " (expires)");
      !made) {
    return made;
  }
  for (const auto& table : tables_) {
    if (auto made = connection.execute(table->create); !made) return made;
    const auto names = indexes_of(connection, bare(*table));
    if (!names) return names.error();
    for (const auto& name : *names) {
      if (wants(*table, name)) continue;
      if (auto dropped = connection.execute("DROP INDEX IF EXISTS " + in_quotes(name, '"')); !dropped) return dropped;
    }
    for (const auto& index : table->indexes) {
      if (auto made = make_index(connection, *table, index); !made) return made;
    }
  }
  return {};
}

Result<void> Blueprint::make_index(Connection& connection, const Table& table, const TableIndex& index) {
  auto made = connection.execute(index.create);
  if (made || made.error().error != Error::conflict) return made;
  if (blocked_.emplace(table.resource, index.keys).second && log_) {
    log_("resource " + table.resource + ": its unique index on " + index.keys +
         " can't be made, documents have the same values; until they differ, nothing is created or replaced there");
  }
  return {};
}

Result<void> Blueprint::check_writable(Connection& connection, const Table& table) {
  const std::lock_guard lock(mutex_);
  const auto found = blocked_.find(table.resource);
  if (found == blocked_.end()) return {};
  const Failure failure(Error::unavailable,
                        "documents of this resource have the same " + found->second + ", which must be unique");
  const Monotonic now = monotonic_now();
  if (now < retry_at_) return failure;
  retry_at_ = now + kRetry;
  for (const auto& index : table.indexes) {
    auto made = connection.execute(index.create);
    if (!made) return made.error().error == Error::conflict ? failure : made;
  }
  blocked_.erase(found);
  return {};
}

std::string Blueprint::keys_of(std::string_view message) const {
  const std::lock_guard lock(mutex_);
  for (const auto& table : tables_) {
    for (const auto& index : table->indexes) {
      if (index.unique && message.find("'" + index.name + "'") != std::string_view::npos) return index.keys;
    }
  }
  return {};
}

}  // namespace nacre::store::sqlite
