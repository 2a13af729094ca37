#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/index_build.h"
#include "store/sqlite/side_table.h"
#include "store/sqlite/table.h"

namespace nacre::store::sqlite {

/// Brings the file to what the resources need: tables and indexes made, indexes that nobody wants any more dropped, data never
/// touched. Used from several threads.
///
/// Tables are made by whatever connection is opened first, with their indexes. Indexes of tables that were there are made and
/// dropped by writers alone, and only by those of the newest generation: each reading of nacre.yaml is one, and the file knows
/// which there were. A small table's index is made at once, a large one's by a side table, a little with each step; of several
/// workers one does it at a time, and what it has done stays when it dies.
///
/// From the step on in which a unique index is begun, no write is taken that has the same as a document which is in it, written
/// by whatever worker. Documents that had the same before stay, and the index is not made until they differ, which is looked
/// after every few seconds; what was written like one that had not been copied yet is such a document too.
class Blueprint {
 public:
  enum class Progress : std::uint8_t {
    done,   ///< nothing is left, or a newer generation has come
    more,   ///< another step will do more
    later,  ///< another step makes no sense before some time has passed
  };

  /// Which reading of the configuration this is. Workers that share it share `id`.
  struct Generation {
    std::string id;
    Timestamp read{};
  };

  /// `budget`: for how long one step may hold the write lock to fill a side table; other writes wait.
  Blueprint(Generation generation, Milliseconds budget, Log log);

  using Tables = std::vector<std::shared_ptr<const Table>>;
  void set_tables(Tables tables);

  /// On every connection that is opened. Waits for other writers only where a table is missing.
  Result<void> make_tables(Connection& connection);

  /// The writer's, outside of a transaction, one at a time: takes a few milliseconds, or what a small table's indexes take.
  Result<Progress> step(Connection& connection);

  /// The keys of the index that an error of SQLite names; empty when it is of no index known here.
  std::string keys_of(std::string_view message) const;

  /// A table that has an index which was made by a side table: it is to be checked by `PRAGMA integrity_check`, on a reader.
  struct Unchecked {
    std::string index;
    std::string table;
  };
  std::optional<Unchecked> take_unchecked();
  /// What came of it; the next step drops an index that is not right, and makes it anew.
  void set_checked(const std::string& index, bool right);

 private:
  Tables tables() const;
  Result<void> enter_generation(Connection& connection);
  Result<bool> is_newest(Connection& connection) const;
  Result<Progress> advance(Connection& connection);
  Result<void> drop_unwanted(Connection& connection, const Tables& tables) const;
  Result<bool> clear_leftovers(Connection& connection, const Tables& tables, Monotonic until) const;
  Result<void> begin(Connection& connection, const Table& table, const TableIndex& index);
  Result<Progress> go_on(Connection& connection, const Table& table, const TableIndex& index);
  Result<Progress> fill(Connection& connection, const Table& table, const TableIndex& index, std::int64_t after);
  Result<Progress> finish(Connection& connection, const Table& table, const TableIndex& index, IndexBuild& build);
  Result<Progress> check(Connection& connection, const Table& table, const TableIndex& index, const IndexBuild& build);
  void tell(LogLevel level, const Table& table, const TableIndex& index, const std::string& what);

  const Generation generation_;
  const Milliseconds budget_;
  const std::string worker_;  // this one, among those of the file
  const Log log_;
  // Of the steps.
  bool schema_changed_ = false;
  std::unordered_map<std::string, Monotonic> told_;  // line → when
  std::set<std::string> condemned_;                  // made by a side table, and not right

  mutable std::mutex mutex_;  // guards what follows; not held while a lock of the file is waited for
  Tables tables_;
  std::optional<Unchecked> unchecked_;
  std::string being_checked_;                      // the index, one at a time
  Monotonic check_until_{};                        // then it is taken for failed
  std::unordered_map<std::string, bool> checked_;  // index → whether it is right
};

}  // namespace nacre::store::sqlite
