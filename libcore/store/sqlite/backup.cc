#include "store/sqlite/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "store/sqlite/connection.h"

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

Failure failed(const std::string& what, sqlite3* database) {
  return {Error::unavailable, what + ": " + sqlite3_errmsg(database)};
}

Failure was_stopped() { return {Error::cancelled, "stopped"}; }

/// A file that only one process writes, and that goes with this unless it is published.
class PartialFile {
 public:
  explicit PartialFile(std::string path) : path_(std::move(path)) {}
  ~PartialFile() {
    if (owned_) ::unlink(path_.c_str());
    if (fd_ >= 0) ::close(fd_);  // last: SQLite's locks on the file would go with it
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  /// Makes the file, or takes the place of one that a process which was killed has left.
  Result<void> make() {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd_ < 0) return failed(path_, errno);
    struct stat opened {};
    struct stat named {};
    // Whoever had the lock may have published or removed the file meanwhile: then it is not this one.
    owned_ = ::flock(fd_, LOCK_EX | LOCK_NB) == 0 && ::fstat(fd_, &opened) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
             opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
    if (!owned_) return Failure(Error::conflict, path_ + ": another backup is under way");
    if (::fchmod(fd_, S_IRUSR | S_IWUSR) != 0 || ::ftruncate(fd_, 0) != 0) return failed(path_, errno);
    return {};
  }

  Result<void> sync() const {
    if (::fsync(fd_) != 0) return failed(path_, errno);
    return {};
  }

  /// A copy of a database with a log says that it has one too. It has none: marked so, it can be read where nothing can be
  /// written (https://sqlite.org/fileformat2.html#file_format_version_numbers).
  Result<void> mark_as_without_log() const {
    constexpr off_t kVersions = 18;
    if (::pwrite(fd_, "\1\1", 2, kVersions) != 2) return failed(path_, errno);
    return {};
  }

  Result<void> publish(const std::string& name) {
    if (auto synced = sync(); !synced) return synced;
    if (!rename_to(name)) return errno == EEXIST ? Failure(Error::conflict, name + " is there already") : failed(name, errno);
    owned_ = false;
    const auto folder = std::filesystem::absolute(name).parent_path();
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    const int error = errno;
    if (fd >= 0) ::close(fd);
    if (!synced) return failed(folder, error);
    return {};
  }

  const std::string& path() const { return path_; }

 private:
  /// Never replaces a file. Not every file system has the first way, nor every one the second.
  bool rename_to(const std::string& name) const {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0) return true;
    return errno == EINVAL && ::link(path_.c_str(), name.c_str()) == 0 && ::unlink(path_.c_str()) == 0;
  }

  const std::string path_;
  int fd_ = -1;
  bool owned_ = false;
};

Result<DatabaseHandle> open_file(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  DatabaseHandle database(raw);
  if (code != SQLITE_OK) return failed(path, database.get());
  sqlite3_busy_timeout(database.get(), kBackupPatience);
  return database;
}

/// The transaction keeps the moment: without it, each write of another process would make the copy begin anew.
Result<void> copy(sqlite3* from, sqlite3* to, const PartialFile& file, const std::function<bool()>& stop) {
  if (sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed(file.path(), to);
  if (sqlite3_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed(sqlite3_db_filename(from, "main"), from);
  BackupHandle backup(sqlite3_backup_init(to, "main", from, "main"));
  if (!backup) return failed(file.path(), to);
  int code = SQLITE_OK;
  for (int steps = 1; code == SQLITE_OK; ++steps) {
    if (stop()) return was_stopped();
    code = sqlite3_backup_step(backup.get(), kPagesOfStep);
    if (steps % kStepsOfSync != 0) continue;
    if (auto synced = file.sync(); !synced) return synced;
  }
  if (sqlite3_backup_finish(backup.release()) != SQLITE_OK) return failed(file.path(), to);  // which has the error of a step
  return {};
}

/// SQLite's own look at the copy, for damage that was there before.
Result<void> check(const std::string& path, const std::function<bool()>& stop) {
  auto opened = open_file(path, SQLITE_OPEN_READONLY);
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
  if (code != SQLITE_ROW) return failed(path, database);
  const std::string found(reinterpret_cast<const char*>(sqlite3_column_text(raw, 0)));
  if (found != "ok") return Failure(Error::unavailable, "the database is damaged: " + found);
  return {};
}

}  // namespace

Result<void> back_up(const std::string& from, const std::string& to, const std::function<bool()>& stop) {
  struct stat found {};
  if (::lstat(to.c_str(), &found) == 0) return Failure(Error::conflict, to + " is there already");
  PartialFile file(to + ".partial");
  {
    auto source = open_file(from, SQLITE_OPEN_READWRITE);
    if (!source) return source.error();
    if (auto made = file.make(); !made) return made;
    auto target = open_file(file.path(), SQLITE_OPEN_READWRITE);
    if (!target) return target.error();
    if (auto copied = copy(source->get(), target->get(), file, stop); !copied) return copied;
    // The log could not be worked off meanwhile. Who writes next would have to, with clients waiting.
    sqlite3_exec(source->get(), "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_wal_checkpoint_v2(source->get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  if (auto marked = file.mark_as_without_log(); !marked) return marked;
  if (auto checked = check(file.path(), stop); !checked) return checked;
  return file.publish(to);
}

}  // namespace nacre::store::sqlite
