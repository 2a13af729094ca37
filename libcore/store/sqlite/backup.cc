#include "store/sqlite/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "store/sqlite/connection.h"
#include "store/sqlite/table.h"

namespace nacre::store::sqlite {
namespace {

constexpr int kPagesOfStep = 64;
constexpr int kStepsOfSync = 16;        // what is written is sent to the disk bit by bit: others' commits wait for it there
constexpr int kBackupPatience = 5'000;  // ms, for a lock that others hold for a moment, such as one who opens the file

struct FinishBackup {
  void operator()(sqlite3_backup* backup) const noexcept { sqlite3_backup_finish(backup); }
};
using BackupHandle = std::unique_ptr<sqlite3_backup, FinishBackup>;

Failure failed(const std::string& what, int error) {
  return {Error::unavailable, what + ": " + std::generic_category().message(error)};
}

/// SQLite's `code`, with the system's `error` where SQLite's words leave out the reason.
Failure failed(const std::string& what, int code, int error) {
  const int kind = code & 0xFF;
  if (kind == SQLITE_FULL) return failed(what, ENOSPC);
  const std::string said = what + ": " + sqlite3_errstr(code);
  if (error != 0 && (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN)) return failed(said, error);
  return {Error::unavailable, said};
}

Failure failed(const std::string& what, sqlite3* database) {
  return failed(what, sqlite3_extended_errcode(database), sqlite3_system_errno(database));
}

Failure was_stopped() { return {Error::cancelled, "stopped"}; }

/// The absolute path of a database: SQLite would take `:memory:`, "" and, in Debian's build, `file:…` for something else.
Result<std::string> find_database(const std::string& from) {
  std::error_code error;
  const auto path = std::filesystem::canonical(from, error);
  if (error) return failed(from, error.value());
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return failed(from, errno);
  if (!S_ISREG(found.st_mode)) return Failure(Error::bad_request, from + " is not a regular file");
  // Its log lies beside the name that nginx has opened (https://sqlite.org/howtocorrupt.html#_multiple_links_to_the_same_file).
  if (found.st_nlink > 1)
    return Failure(Error::bad_request, from + " has other names (hard links): its log may lie beside one");
  return path.string();
}

/// SQLite would apply an old log that lies beside a new database to it.
Result<void> check_that_nothing_is_there(const std::string& to) {
  for (const char* const suffix : {"", "-wal", "-journal", "-shm"}) {
    struct stat found {};
    if (::lstat((to + suffix).c_str(), &found) == 0) return Failure(Error::conflict, to + suffix + " is there already");
  }
  return {};
}

/// And it would take a backup of such a name for the log of another database.
Result<void> check_name(const std::string& to) {
  for (const char* const suffix : {"-wal", "-journal", "-shm"}) {
    if (to.ends_with(suffix)) return Failure(Error::bad_request, to + ": a name for a log of SQLite's, not for a backup");
  }
  return {};
}

/// A new file of a random name in the folder of `to`, which goes with this unless it is published.
class PartialFile {
 public:
  explicit PartialFile(std::string to) : to_(std::move(to)) {}
  ~PartialFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
    if (fd_ >= 0) ::close(fd_);  // last: SQLite's locks on the file would go with it
    if (folder_ >= 0) ::close(folder_);
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  Result<void> make() {
    std::error_code error;
    const auto folder = std::filesystem::absolute(to_, error).parent_path();
    if (error) return failed(to_, error.value());
    folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_ < 0) return failed(to_, errno);
    constexpr std::string_view kEnding = ".partial";
    std::string path = folder / ("nacre_backup-XXXXXX" + std::string(kEnding));
    fd_ = ::mkostemps(path.data(), kEnding.size(), O_CLOEXEC);
    if (fd_ < 0) return failed(to_, errno);
    path_ = std::move(path);
    return {};
  }

  Result<void> sync() const {
    if (::fsync(fd_) != 0) return failed(to_, errno);
    return {};
  }

  /// A copy of a database with a log says that it has one too. It has none: marked so, it can be read where nothing can be
  /// written (https://sqlite.org/fileformat2.html#file_format_version_numbers).
  Result<void> mark_as_without_log() const {
    constexpr off_t kVersions = 18;
    if (::pwrite(fd_, "\1\1", 2, kVersions) != 2) return failed(to_, errno);
    return {};
  }

  Result<void> publish() {
    if (auto synced = sync(); !synced) return synced;
    if (auto free = check_that_nothing_is_there(to_); !free) return free;
    if (!rename()) return errno == EEXIST ? Failure(Error::conflict, to_ + " is there already") : failed(to_, errno);
    if (::fsync(folder_) != 0) return failed(to_, errno);
    return {};
  }

  const std::string& path() const { return path_; }
  const std::string& to() const { return to_; }

 private:
  /// Never replaces a file. Not every file system has the first way, nor every one the second.
  bool rename() {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, to_.c_str(), RENAME_NOREPLACE) != 0)
      return errno == EINVAL && ::link(path_.c_str(), to_.c_str()) == 0;
    path_.clear();
    return true;
  }

  const std::string to_;
  std::string path_;  // empty while there is no such file
  int fd_ = -1;
  int folder_ = -1;
};

/// `name`: what the user calls it.
Result<DatabaseHandle> open_file(const std::string& path, const std::string& name, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  DatabaseHandle database(raw);
  if (code != SQLITE_OK) return failed(name, database.get());
  sqlite3_busy_timeout(database.get(), kBackupPatience);
  return database;
}

/// Keeps the moment: without a transaction each write of another process would make the copy begin anew. Any other file than a
/// store's is refused; every worker makes this table.
Result<void> begin(sqlite3* from, const std::string& name) {
  const std::string sql = "BEGIN; SELECT 1 FROM " + std::string(kRememberedTable) + " LIMIT 1";
  const int code = sqlite3_exec(from, sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_ERROR) return Failure(Error::bad_request, name + " is not a store of Nacre's");
  if (code != SQLITE_OK) return failed(name, from);
  return {};
}

Result<void> copy(sqlite3* from, sqlite3* to, const PartialFile& file, const std::function<bool()>& stop) {
  if (sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed(file.to(), to);
  const BackupHandle backup(sqlite3_backup_init(to, "main", from, "main"));
  if (!backup) return failed(file.to(), to);
  int code = SQLITE_OK;
  for (int steps = 1; code == SQLITE_OK; ++steps) {
    if (stop()) return was_stopped();
    errno = 0;
    code = sqlite3_backup_step(backup.get(), kPagesOfStep);
    if (code != SQLITE_OK && code != SQLITE_DONE) return failed("copying to " + file.to(), code, errno);
    if (steps % kStepsOfSync != 0) continue;
    if (auto synced = file.sync(); !synced) return synced;
  }
  return {};
}

/// SQLite's own look at the copy, for damage that was there before.
Result<void> check(const PartialFile& file, const std::function<bool()>& stop) {
  auto opened = open_file(file.path(), file.to(), SQLITE_OPEN_READONLY);
  if (!opened) return opened.error();
  sqlite3* const database = opened->get();
  constexpr int kInstructions = 10'000;
  const auto on_progress = [](void* asked) { return (*static_cast<const std::function<bool()>*>(asked))() ? 1 : 0; };
  sqlite3_progress_handler(database, kInstructions, on_progress, const_cast<std::function<bool()>*>(&stop));
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &raw, nullptr);
  const StatementHandle statement(raw);
  if (code == SQLITE_OK) code = sqlite3_step(raw);
  if (code == SQLITE_INTERRUPT) return was_stopped();
  if (code != SQLITE_ROW) return failed(file.to(), database);
  const std::string found(reinterpret_cast<const char*>(sqlite3_column_text(raw, 0)));
  if (found != "ok") return Failure(Error::unavailable, "the database is damaged: " + found);
  return {};
}

}  // namespace

Result<void> back_up(const std::string& from, const std::string& to, const std::function<bool()>& stop) {
  if (auto named = check_name(to); !named) return named;
  if (auto free = check_that_nothing_is_there(to); !free) return free;
  const auto database = find_database(from);
  if (!database) return database.error();
  PartialFile file(to);
  {
    auto source = open_file(*database, from, SQLITE_OPEN_READWRITE);
    if (!source) return source.error();
    if (auto begun = begin(source->get(), from); !begun) return begun;
    if (auto made = file.make(); !made) return made;
    auto target = open_file(file.path(), to, SQLITE_OPEN_READWRITE);
    if (!target) return target.error();
    if (auto copied = copy(source->get(), target->get(), file, stop); !copied) return copied;
    // The log could not be worked off meanwhile. Who writes next would have to, with clients waiting.
    sqlite3_exec(source->get(), "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_wal_checkpoint_v2(source->get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  if (auto marked = file.mark_as_without_log(); !marked) return marked;
  if (auto checked = check(file, stop); !checked) return checked;
  return file.publish();
}

}  // namespace nacre::store::sqlite
