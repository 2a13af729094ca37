#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/time.h"
#include "store/sqlite/value.h"

namespace nacre::store::sqlite {

struct CloseStatement {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
struct CloseDatabase {
  void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, CloseStatement>;
using DatabaseHandle = std::unique_ptr<sqlite3, CloseDatabase>;

/// How a connection is opened.
struct ConnectionOptions {
  std::string path;
  std::string synchronous = "FULL";
  bool read_only = false;           ///< after `on_open`
  std::int64_t max_pages = 0;       ///< of the file; 0: SQLite's own limit
  std::size_t cache_kib = 2'000;    ///< of pages that it keeps
  std::size_t max_statements = 64;  ///< prepared and kept, within 2 MB: clients choose the shapes of filters
};

/// One connection to the database file, for one thread at a time. It is opened when first needed, and again, after a growing
/// pause, when the file turned out to be unusable.
class Connection {
 public:
  using OnOpen = std::function<Result<void>(Connection&)>;

  Connection(ConnectionOptions options, OnOpen on_open) : options_(std::move(options)), on_open_(std::move(on_open)) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Opens the file when it isn't. Error::unavailable.
  Result<void> ready();
  /// Whether it may be used without that.
  bool is_open() const noexcept { return database_ && !broken_; }

  /// Until when a statement may wait for others' locks and, with `abandoned`, for how long a read may run: until the moment has
  /// passed or the flag is set.
  void limit(Monotonic until, const std::atomic<bool>* abandoned) noexcept {
    until_ = until;
    abandoned_ = abandoned;
  }

  /// Prepares, or finds among those prepared before; nullptr on an error.
  sqlite3_stmt* statement(const std::string& sql);

  /// Runs statements that give no rows.
  Result<void> execute(const std::string& sql);

  /// Works the log off into the file, as far as readers allow, and lets it begin anew where it is long. Outside of a
  /// transaction.
  void checkpoint() noexcept;
  /// Pages of the log after the last commit of this connection, which works nothing off by itself.
  int log_pages() const noexcept { return log_pages_; }

  /// What the last call's error means to a caller. Errors of the file close the connection before its next use.
  Failure failure(int code);

  /// True outside of a transaction, also when an error has ended it.
  bool autocommit() const noexcept { return sqlite3_get_autocommit(database_.get()) != 0; }
  sqlite3* handle() const noexcept { return database_.get(); }

 private:
  struct Prepared {
    std::string sql;
    StatementHandle statement;
  };

  Result<void> open();
  Result<void> configure();
  void close() noexcept;
  static int on_busy(void* self, int tries) noexcept;
  static int on_progress(void* self) noexcept;
  static int on_log(void* self, sqlite3* database, const char* schema, int pages) noexcept;

  const ConnectionOptions options_;
  const OnOpen on_open_;
  DatabaseHandle database_;
  std::list<Prepared> prepared_;  // the last used first
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_sql_;
  std::size_t bytes_ = 0;  // that they take, about
  Monotonic until_{};
  const std::atomic<bool>* abandoned_ = nullptr;
  bool broken_ = false;
  Monotonic retry_at_{};
  Milliseconds pause_{};
  int log_pages_ = 0;
  Monotonic restart_at_{};  // when the log may be begun anew
  Milliseconds restart_pause_{};
};

/// One run of a prepared statement. Errors stay: `step` is false then, and `failed` tells. What is bound must live as long.
class Run {
 public:
  Run(Connection& connection, const std::string& sql);
  ~Run() {
    if (statement_ != nullptr) sqlite3_reset(statement_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Run& bind(std::int64_t value);
  Run& bind(double value);
  Run& bind(std::string_view value);
  Run& bind_null();
  Run& bind_value(const Value& value);

  /// True: a row. False: the end, or an error.
  bool step();
  /// Steps to the end.
  Result<void> finish();
  bool failed() const noexcept { return code_ != SQLITE_OK && code_ != SQLITE_ROW && code_ != SQLITE_DONE; }
  int code() const noexcept { return code_; }
  Failure failure() { return connection_.failure(code_); }

  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  int type(int column) const { return sqlite3_column_type(statement_, column); }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double real(int column) const { return sqlite3_column_double(statement_, column); }
  std::string_view text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  void check(int code) {
    if (code_ == SQLITE_OK) code_ = code;
  }

  Connection& connection_;
  sqlite3_stmt* statement_;
  int code_ = SQLITE_OK;
  int bound_ = 0;
};

}  // namespace nacre::store::sqlite
