#include "store/sqlite/reconcile.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace nacre::store::sqlite {
namespace {

constexpr Milliseconds kRetry{5'000};
constexpr Milliseconds kTellAgain{60'000};
constexpr Milliseconds kLease{2'000};
constexpr Milliseconds kCheckLease{120'000};
constexpr std::int64_t kSmall = 2'000;  // rows: an index on them is made in a few milliseconds
constexpr int kKeptGenerations = 1'000;

/// A generation's place in the order, and when its nacre.yaml was read.
constexpr std::string_view kGenerations =
    "CREATE TABLE IF NOT EXISTS nacre_generations (id TEXT NOT NULL PRIMARY KEY, place INTEGER NOT NULL, read INTEGER NOT "
    "NULL);";

const std::string& remembered_tables() {
  static const std::string sql =
      "CREATE TABLE IF NOT EXISTS " + std::string(kRememberedTable) +
      " (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE INDEX IF NOT EXISTS nacre_remembered_expires ON " +
      std::string(kRememberedTable) + " (expires);";
  return sql;
}

std::string random_name() {
  std::array<unsigned char, 12> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, 2 * bytes.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  return hex.data();
}

std::int64_t wall() { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()).time_since_epoch().count(); }

/// A table's name without its quotes.
std::string bare(const Table& table) { return table.name.substr(1, table.name.size() - 2); }

Result<std::set<std::string>> names_of(Connection& connection, const std::string& condition) {
  std::set<std::string> names;
  Run run(connection, "SELECT name FROM sqlite_schema WHERE " + condition);
  while (run.step()) names.emplace(run.text(0));
  if (run.failed()) return run.failure();
  return names;
}

Result<bool> is_small(Connection& connection, const Table& table) {
  Run run(connection, "SELECT count(*) FROM (SELECT 1 FROM " + table.name + " LIMIT " + std::to_string(kSmall) + ")");
  if (!run.step()) return run.failure();
  return run.integer(0) < kSmall;
}

/// The statements that make what is not there. A new table has its indexes from the first document on.
Result<std::string> missing_tables(Connection& connection, const std::vector<std::shared_ptr<const Table>>& tables) {
  const auto present = names_of(connection, "type = 'table' OR name = 'nacre_remembered_expires'");
  if (!present) return present.error();
  std::string sql;
  for (const auto& table : tables) {
    if (present->contains(bare(*table))) continue;
    sql += table->create + ";";
    for (const auto& index : table->indexes) sql += index.create(true) + ";";
  }
  if (!present->contains("nacre_remembered_expires")) sql += remembered_tables();
  if (!present->contains("nacre_builds")) sql.append(kGenerations).append(IndexBuild::kCreate);
  return sql;
}

}  // namespace

Blueprint::Blueprint(Generation generation, Milliseconds budget, Log log)
    : generation_(generation.id.empty() ? Generation{random_name(), Timestamp{Milliseconds{wall()}}} : std::move(generation)),
      budget_(budget),
      worker_(random_name()),
      log_(std::move(log)) {}

void Blueprint::set_tables(Tables tables) {
  const std::lock_guard lock(mutex_);
  tables_ = std::move(tables);
}

Blueprint::Tables Blueprint::tables() const {
  const std::lock_guard lock(mutex_);
  return tables_;
}

/// Looked at again once nobody else can write: another may have made them meanwhile, and taken documents into them.
Result<void> Blueprint::make_tables(Connection& connection) {
  const Tables tables = this->tables();
  if (const auto sql = missing_tables(connection, tables); !sql || sql->empty()) return sql ? Result<void>() : sql.error();
  if (auto begun = connection.execute("BEGIN IMMEDIATE"); !begun) return begun;
  Result<void> made;
  if (const auto sql = missing_tables(connection, tables); !sql) {
    made = sql.error();
  } else {
    made = connection.execute(*sql);
  }
  if (made) made = connection.execute("COMMIT");
  if (!connection.autocommit()) (void)connection.execute("ROLLBACK");
  return made;
}

/// A generation that the file does not know is the newest, unless its nacre.yaml was read before another's that it knows: then
/// its workers have come late. Readings that seem to lie ahead were made by another clock, and tell nothing.
Result<void> Blueprint::enter_generation(Connection& connection) {
  Run run(
      connection,
      "INSERT OR IGNORE INTO nacre_generations (id, place, read) SELECT ?1, CASE WHEN EXISTS (SELECT 1 FROM nacre_generations"
      " WHERE read > ?2 AND read <= ?3) THEN -1 ELSE coalesce(max(place), 0) + 1 END, ?2 FROM nacre_generations");
  run.bind(std::string_view(generation_.id)).bind(std::int64_t{generation_.read.time_since_epoch().count()}).bind(wall());
  if (auto entered = run.finish(); !entered || sqlite3_changes(connection.handle()) == 0) return entered;
  return Run(connection, "DELETE FROM nacre_generations WHERE place < (SELECT max(place) FROM nacre_generations) - ?")
      .bind(std::int64_t{kKeptGenerations})
      .finish();
}

Result<bool> Blueprint::is_newest(Connection& connection) const {
  Run run(connection, "SELECT id FROM nacre_generations ORDER BY place DESC LIMIT 1");
  if (run.step()) return run.text(0) == generation_.id;
  if (run.failed()) return run.failure();
  return false;
}

Result<Blueprint::Progress> Blueprint::step(Connection& connection) {
  if (auto begun = connection.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  auto progress = advance(connection);
  Result<void> ended;
  if (progress) ended = connection.execute("COMMIT");
  if (!connection.autocommit()) (void)connection.execute("ROLLBACK");
  if (std::exchange(schema_changed_, false)) {
    if (auto reloaded = reload_schema(connection); !reloaded) return reloaded.error();
  }
  if (!ended) return ended.error();
  return progress;
}

Result<Blueprint::Progress> Blueprint::advance(Connection& connection) {
  const Monotonic start = monotonic_now();
  const Tables tables = this->tables();
  if (auto entered = enter_generation(connection); !entered) return entered.error();
  const auto newest = is_newest(connection);
  if (!newest) return newest.error();
  if (!*newest) return Progress::done;
  if (auto dropped = drop_unwanted(connection, tables); !dropped) return dropped.error();
  const auto present = names_of(connection, "type = 'index'");
  if (!present) return present.error();
  // All are begun first, and unique ones made first: what is written meanwhile is judged by what they have.
  for (const auto& table : tables) {
    for (const auto& index : table->indexes) {
      if (present->contains(index.name)) continue;
      const auto build = IndexBuild::find(connection, index.name);
      if (!build) return build.error();
      if (*build) continue;
      if (auto begun = begin(connection, *table, index); !begun) return begun.error();
    }
  }
  Progress all = Progress::done;
  for (const bool unique : {true, false}) {
    for (const auto& table : tables) {
      for (const auto& index : table->indexes) {
        if (index.unique != unique) continue;
        const auto progress = go_on(connection, *table, index);
        if (!progress || *progress == Progress::more) return progress;
        if (*progress == Progress::later) all = Progress::later;
      }
    }
  }
  const auto cleared = clear_leftovers(connection, tables, start + budget_);
  if (!cleared) return cleared.error();
  return *cleared ? all : Progress::more;
}

/// Indexes are dropped only from tables of the configuration: another one may use the file later.
Result<void> Blueprint::drop_unwanted(Connection& connection, const Tables& tables) const {
  for (const auto& table : tables) {
    const auto names =
        names_of(connection, "type = 'index' AND sql IS NOT NULL AND tbl_name = " + in_quotes(bare(*table), '\''));
    if (!names) return names.error();
    for (const auto& name : *names) {
      if (!name.starts_with("i_") && !name.starts_with("u_")) continue;
      const bool wanted = std::any_of(table->indexes.begin(), table->indexes.end(),
                                      [&](const TableIndex& index) { return index.name == name; });
      if (wanted && condemned_.count(name) == 0) continue;
      if (auto dropped = connection.execute("DROP INDEX " + in_quotes(name, '"')); !dropped) return dropped;
      if (auto forgotten = IndexBuild::forget(connection, name); !forgotten) return forgotten;
    }
  }
  return {};
}

/// Side tables that have served, or that an older generation or a worker that died has left. True: nothing is left.
Result<bool> Blueprint::clear_leftovers(Connection& connection, const Tables& tables, Monotonic until) const {
  std::set<std::string> wanted;
  for (const auto& table : tables) {
    for (const auto& index : table->indexes) wanted.insert(index.name);
  }
  std::set<std::string> building;
  {
    std::vector<std::string> unwanted;
    Run run(connection, "SELECT name, state FROM nacre_builds");
    while (run.step()) {
      const std::string name(run.text(0));
      if (!wanted.contains(name)) {
        unwanted.push_back(name);
      } else if (run.integer(1) != IndexBuild::kUnchecked) {
        building.insert(name);
      }
    }
    if (run.failed()) return run.failure();
    for (const auto& name : unwanted) {
      if (auto forgotten = IndexBuild::forget(connection, name); !forgotten) return forgotten.error();
    }
  }
  const auto sides = names_of(connection, "type = 'table' AND name LIKE 'nacre\\_side\\_%' ESCAPE '\\'");
  if (!sides) return sides.error();
  for (const auto& side : *sides) {
    if (building.contains(side.substr(SideTable::kPrefix.size()))) continue;
    for (;;) {
      const auto cleared = SideTable::clear(connection, side);
      if (!cleared) return cleared.error();
      if (*cleared) break;
      if (monotonic_now() >= until) return false;
    }
  }
  return true;
}

/// A small table's index is made at once, if its documents allow that.
Result<void> Blueprint::begin(Connection& connection, const Table& table, const TableIndex& index) {
  const auto small = is_small(connection, table);
  if (!small) return small.error();
  if (*small || condemned_.contains(index.name)) {
    const auto made = connection.execute(index.create(true));
    if (made) condemned_.erase(index.name);
    if (made || made.error().error != Error::conflict) return made;
  }
  const std::string name = std::string(SideTable::kPrefix) + index.name;
  const auto left = names_of(connection, "name = " + in_quotes(name, '\''));
  if (!left) return left.error();
  for (bool cleared = left->empty(); !cleared;) {  // of an earlier generation
    const auto some = SideTable::clear(connection, name);
    if (!some) return some.error();
    cleared = *some;
  }
  if (auto begun = SideTable(table, index).begin(connection); !begun) return begun;
  if (!*small) tell(LogLevel::notice, table, index, "is being made");
  return IndexBuild{.after = std::numeric_limits<std::int64_t>::min(), .worker = worker_, .until = wall() + kLease.count()}
      .keep(connection, index.name);
}

Result<Blueprint::Progress> Blueprint::go_on(Connection& connection, const Table& table, const TableIndex& index) {
  const auto found = IndexBuild::find(connection, index.name);
  if (!found) return found.error();
  if (!*found) return Progress::done;
  const IndexBuild& build = **found;
  const bool leased = build.until > wall();
  if (leased && build.worker != worker_) return Progress::later;
  if (build.state == IndexBuild::kUnchecked) return check(connection, table, index, build);
  if (leased && build.state == IndexBuild::kFailed) return Progress::later;
  return fill(connection, table, index, build.after);
}

Result<Blueprint::Progress> Blueprint::fill(Connection& connection, const Table& table, const TableIndex& index,
                                            std::int64_t after) {
  const SideTable side(table, index);
  const Monotonic until = monotonic_now() + budget_;
  IndexBuild build{.after = after, .worker = worker_, .until = wall() + kLease.count()};
  do {
    const auto copied = side.copy(connection, build.after);
    if (!copied) return copied.error();
    if (!*copied) return finish(connection, table, index, build);
    build.after = **copied;
  } while (monotonic_now() < until);
  if (auto kept = build.keep(connection, index.name); !kept) return kept.error();
  return Progress::more;
}

Result<Blueprint::Progress> Blueprint::finish(Connection& connection, const Table& table, const TableIndex& index,
                                              IndexBuild& build) {
  const SideTable side(table, index);
  const auto standing = side.retry(connection);
  if (!standing) return standing.error();
  if (*standing) {
    tell(LogLevel::error, table, index,
         "can't be made until documents differ there: \"" + **standing + "\" has the same as another");
    build.state = IndexBuild::kFailed;
    build.until = wall() + kRetry.count();
    if (auto kept = build.keep(connection, index.name); !kept) return kept.error();
    return Progress::later;
  }
  if (auto finished = side.finish(connection); !finished) return finished.error();
  schema_changed_ = true;
  condemned_.erase(index.name);
  tell(LogLevel::notice, table, index, "is made");
  build.state = IndexBuild::kUnchecked;
  build.until = 0;
  if (auto kept = build.keep(connection, index.name); !kept) return kept.error();
  return Progress::more;
}

/// Checked by one worker, one index at a time: a long read keeps SQLite's log from beginning anew.
Result<Blueprint::Progress> Blueprint::check(Connection& connection, const Table& table, const TableIndex& index,
                                             const IndexBuild& build) {
  const std::lock_guard lock(mutex_);
  if (const auto checked = checked_.find(index.name); checked != checked_.end()) {
    const bool right = checked->second;
    checked_.erase(checked);
    if (right) {
      if (auto forgotten = IndexBuild::forget(connection, index.name); !forgotten) return forgotten.error();
      return Progress::more;
    }
    condemned_.insert(index.name);
    tell(LogLevel::warn, table, index, "is not right, and is made anew");
    return Progress::more;
  }
  if (!being_checked_.empty() && monotonic_now() < check_until_) return Progress::later;
  IndexBuild mine = build;
  mine.worker = worker_;
  mine.until = wall() + kCheckLease.count();
  if (auto kept = mine.keep(connection, index.name); !kept) return kept.error();
  unchecked_ = Unchecked{index.name, bare(table)};
  being_checked_ = index.name;
  check_until_ = monotonic_now() + kCheckLease;
  return Progress::later;
}

std::string Blueprint::keys_of(std::string_view message) const {
  const std::lock_guard lock(mutex_);
  for (const auto& table : tables_) {
    for (const auto& index : table->indexes) {
      if (index.unique && message.find(index.name) != std::string_view::npos) return index.keys;
    }
  }
  return {};
}

std::optional<Blueprint::Unchecked> Blueprint::take_unchecked() {
  const std::lock_guard lock(mutex_);
  return std::exchange(unchecked_, std::nullopt);
}

void Blueprint::set_checked(const std::string& index, bool right) {
  const std::lock_guard lock(mutex_);
  checked_[index] = right;
  if (being_checked_ == index) being_checked_.clear();
}

void Blueprint::tell(LogLevel level, const Table& table, const TableIndex& index, const std::string& what) {
  const std::string line = "resource " + table.resource + ": its " + index.title + " " + what;
  const Monotonic now = monotonic_now();
  const auto [told, first] = told_.emplace(line, now);
  if (!first && now - told->second < kTellAgain) return;
  told->second = now;
  log_.say(level, line);
}

}  // namespace nacre::store::sqlite
