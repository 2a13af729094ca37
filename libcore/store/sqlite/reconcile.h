#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/sqlite/table.h"

namespace nacre::store::sqlite {

/// Brings the file to what the resources need: tables and indexes made, indexes that nobody wants any more dropped, data never
/// touched. Every worker does it, and whoever comes first has done it for all. Used from several threads.
///
/// A unique index that the data stands against can't be made. Then the resource is served, but takes no writes that could make
/// things worse (Error::unavailable); documents can be erased, and every few seconds it is tried again.
class Blueprint {
 public:
  explicit Blueprint(std::function<void(std::string_view)> log) : log_(std::move(log)) {}

  void set_tables(std::vector<std::shared_ptr<const Table>> tables);

  /// Called on every connection that is opened. Cheap when there is nothing to do.
  Result<void> apply(Connection& connection);

  /// Whether a table may be written to. Tries, now and then, to make what it lacks; inside of a transaction.
  Result<void> check_writable(Connection& connection, const Table& table);

  /// The keys of the index that an error of SQLite names; empty when it is of no index known here.
  std::string keys_of(std::string_view message) const;

 private:
  Result<bool> is_applied(Connection& connection) const;
  Result<void> change(Connection& connection);
  Result<void> make_index(Connection& connection, const Table& table, const TableIndex& index);

  const std::function<void(std::string_view)> log_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<const Table>> tables_;
  std::unordered_map<std::string, std::string> blocked_;  // resource → the index that it lacks
  Monotonic retry_at_{};
};

}  // namespace nacre::store::sqlite
