#include "store/sqlite/connection.h"

#include <time.h>

#include <algorithm>

#include "store/sqlite/no_wait.h"

namespace nacre::store::sqlite {
namespace {

constexpr Milliseconds kFirstPause{100};
constexpr Milliseconds kLongestPause{5'000};
constexpr Milliseconds kOpenTimeout{2'000};        // for others' locks, where a table is missing
constexpr int kProgressSteps = 1'000;              // of SQLite's machine between looks at the clock: about 50 µs
constexpr long kBusyPause = 300'000;               // ns
constexpr int kLongLogPages = 16'000;              // from here on readers are waited for, or the log would never begin anew
constexpr Milliseconds kCheckpointTimeout{20};     // for that: nobody can write meanwhile
constexpr Milliseconds kFirstRestartPause{1'000};  // before they are waited for again, in vain
constexpr Milliseconds kLongestRestartPause{16'000};
constexpr std::size_t kKeptStatements = 2UL << 20U;  // bytes of all that are kept
constexpr std::size_t kBytesOfSql = 12;              // of a prepared statement for each of its text, about
constexpr std::size_t kInUse = 8;                    // at most, at a time
constexpr std::int64_t kKeptLog = 64LL << 20U;       // bytes; a longer log is cut when it begins anew

/// The memory of a prepared statement; the same whenever it is asked for.
std::size_t bytes_of(sqlite3_stmt* statement) { return std::string_view(sqlite3_sql(statement)).size() * kBytesOfSql; }

/// The file itself is not usable through this connection any more.
bool is_broken(int code) {
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
      return true;
    default:
      return false;
  }
}

}  // namespace

Connection::~Connection() { close(); }

void Connection::close() noexcept {
  by_sql_.clear();
  prepared_.clear();
  bytes_ = 0;
  database_.reset();
}

Result<void> Connection::ready() {
  if (broken_) {
    close();
    broken_ = false;
    pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
    retry_at_ = monotonic_now() + pause_;
  }
  if (database_) return {};
  if (monotonic_now() < retry_at_) return Failure(Error::unavailable, "the store is away");
  auto opened = open();
  if (opened) {
    pause_ = Milliseconds{};
    return opened;
  }
  broken_ = true;
  return opened;
}

Result<void> Connection::open() {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(options_.path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, file_system());
  database_.reset(raw);
  if (code != SQLITE_OK) return failure(code);
  limit(monotonic_now() + kOpenTimeout, nullptr);
  sqlite3_busy_handler(raw, on_busy, this);
  sqlite3_progress_handler(raw, kProgressSteps, on_progress, this);
  sqlite3_wal_hook(raw, on_log, this);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (auto configured = configure(); !configured) return configured;
  if (auto prepared = on_open_(*this); !prepared) return prepared;
  return options_.read_only ? execute("PRAGMA query_only = ON") : Result<void>{};
}

Result<void> Connection::configure() {
  std::string mode;
  {
    Run run(*this, "PRAGMA journal_mode");
    if (run.step()) mode = run.text(0);
    if (run.failed()) return run.failure();
  }
  // The change to WAL needs the file for itself and does not always ask the busy handler.
  while (mode != "wal") {
    Run run(*this, "PRAGMA journal_mode = WAL");
    if (run.step()) mode = run.text(0);
    if (!run.failed()) break;
    if (run.code() != SQLITE_BUSY || on_busy(this, 0) == 0) return run.failure();
  }
  // Debian's SQLite would overwrite with zeros whatever is deleted: all of an index that is dropped, in one commit.
  std::string settings = "PRAGMA secure_delete = FAST; PRAGMA synchronous = " + options_.synchronous +
                         "; PRAGMA journal_size_limit = " + std::to_string(kKeptLog) + "; PRAGMA cache_size = -" +
                         std::to_string(options_.cache_kib);
  if (options_.max_pages > 0) settings += "; PRAGMA max_page_count = " + std::to_string(options_.max_pages);
  return execute(settings);
}

int Connection::on_busy(void* self, int /*tries*/) noexcept {
  const auto& connection = *static_cast<Connection*>(self);
  if (monotonic_now() >= connection.until_) return 0;
  const timespec pause{0, kBusyPause};
  nanosleep(&pause, nullptr);
  return 1;
}

int Connection::on_progress(void* self) noexcept {
  const auto& connection = *static_cast<Connection*>(self);
  if (connection.abandoned_ == nullptr) return 0;
  return connection.abandoned_->load(std::memory_order_relaxed) || monotonic_now() >= connection.until_ ? 1 : 0;
}

int Connection::on_log(void* self, sqlite3* /*database*/, const char* /*schema*/, int pages) noexcept {
  static_cast<Connection*>(self)->log_pages_ = pages;
  return SQLITE_OK;
}

/// What fails now is done with a later one. Little is left for the second way, which lets nobody write meanwhile; a reader that
/// stays for long, such as a backup, must not make writes wait for it again and again.
void Connection::checkpoint() noexcept {
  int pages = 0;
  sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, nullptr);
  const Monotonic now = monotonic_now();
  if (pages < kLongLogPages || now < restart_at_) return;
  until_ = now + kCheckpointTimeout;
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  restart_pause_ =
      code == SQLITE_OK ? Milliseconds{} : std::clamp(restart_pause_ * 2, kFirstRestartPause, kLongestRestartPause);
  restart_at_ = now + restart_pause_;
}

sqlite3_stmt* Connection::statement(const std::string& sql) {
  if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
    prepared_.splice(prepared_.begin(), prepared_, found->second);
    return found->second->statement.get();
  }
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.c_str(), static_cast<int>(sql.size() + 1), SQLITE_PREPARE_PERSISTENT,
                                      &raw, nullptr);
  if (code != SQLITE_OK) return nullptr;
  bytes_ += bytes_of(raw);
  prepared_.push_front({sql, StatementHandle(raw)});
  by_sql_.emplace(prepared_.front().sql, prepared_.begin());
  // Those in use are never the last: a connection uses few at once.
  while (prepared_.size() > options_.max_statements || (bytes_ > kKeptStatements && prepared_.size() > kInUse)) {
    bytes_ -= bytes_of(prepared_.back().statement.get());
    by_sql_.erase(prepared_.back().sql);
    prepared_.pop_back();
  }
  return raw;
}

Result<void> Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

Failure Connection::failure(int code) {
  broken_ = broken_ || (is_broken(code) && !NoWait::active());
  const std::string message = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(code);
  const auto made = [&](Error error, std::string detail) {
    Failure failure(error, std::move(detail));
    failure.internal = "SQLite: " + message + " (" + std::to_string(code) + ")";
    return failure;
  };
  switch (code & 0xFF) {
    case SQLITE_INTERRUPT:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return made(Error::deadline, "the store did not answer in time");
    case SQLITE_CONSTRAINT:
      return made(Error::conflict, "another document has the same value");
    case SQLITE_TOOBIG:
      return made(Error::too_large, "the document is too large for the store");
    // What no other try would mend: a statement that SQLite does not take, or a defect.
    case SQLITE_ERROR:
    case SQLITE_INTERNAL:
    case SQLITE_NOTFOUND:
    case SQLITE_EMPTY:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_AUTH:
    case SQLITE_FORMAT:
    case SQLITE_RANGE:
      return made(Error::internal, {});
    case SQLITE_FULL:
      return made(Error::unavailable, "the store has no room");
    // PERM, ABORT, NOMEM, READONLY, IOERR, CORRUPT, CANTOPEN, PROTOCOL, SCHEMA, NOLFS, NOTADB: the file or the machine.
    default:
      return made(Error::unavailable, "the store is away");
  }
}

Run::Run(Connection& connection, const std::string& sql) : connection_(connection), statement_(connection.statement(sql)) {
  if (statement_ != nullptr) return;
  code_ = sqlite3_extended_errcode(connection.handle());
  if (code_ == SQLITE_TOOBIG) code_ = SQLITE_ERROR;  // the statement, not a document
}

Run& Run::bind(std::int64_t value) {
  if (!failed()) check(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}
Run& Run::bind(double value) {
  if (!failed()) check(sqlite3_bind_double(statement_, ++bound_, value));
  return *this;
}
Run& Run::bind(std::string_view value) {
  const char* const text = value.data() == nullptr ? "" : value.data();  // SQLite would bind NULL
  if (!failed()) check(sqlite3_bind_text64(statement_, ++bound_, text, value.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}
Run& Run::bind_null() {
  if (!failed()) check(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}
Run& Run::bind_value(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return bind(*integer);
  if (const auto* real = std::get_if<double>(&value)) return bind(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return bind(std::string_view(*text));
  return bind_null();
}

bool Run::step() {
  if (failed() || code_ == SQLITE_DONE) return false;
  code_ = sqlite3_step(statement_);
  return code_ == SQLITE_ROW;
}

Result<void> Run::finish() {
  while (step()) {
  }
  if (failed()) return failure();
  return {};
}

}  // namespace nacre::store::sqlite
