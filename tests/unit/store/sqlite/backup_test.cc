#include "store/sqlite/backup.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "store/sqlite/connection.h"
#include "store/sqlite/fixture.h"

namespace nacre::store {
namespace {

constexpr int kRows = 5'000;

sqlite::Connection connect(const std::string& file) {
  return sqlite::Connection({.path = file, .synchronous = "OFF"}, [](sqlite::Connection&) { return Result<void>(); });
}

/// A database of some 2 MB, a file of its name in a folder of its own.
class BackedUp {
 public:
  BackedUp() {
    execute(
        "CREATE TABLE nacre_remembered (key); CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT); WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < " +
        std::to_string(kRows) + ") INSERT INTO t SELECT i, hex(randomblob(200)) FROM n");
  }

  const std::string& from() const { return from_; }
  const std::string& to() const { return to_; }
  void execute(const std::string& sql) {
    REQUIRE(writer_.ready().has_value());
    REQUIRE(writer_.execute(sql).has_value());
  }
  Result<void> back_up(const std::function<bool()>& stop = [] { return false; }) { return sqlite::back_up(from_, to_, stop); }
  /// In a process of its own, which ends by itself, or is killed where `stop` does that. Gives what waitpid does.
  int back_up_elsewhere(const std::function<bool()>& stop) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(back_up(stop) ? 0 : 1);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
  }
  std::filesystem::path folder() const { return folder_.path(); }
  /// All but the database and its log, in order, with one space between them.
  std::string others() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) names.insert(entry.path().filename());
    std::string joined;
    for (const auto& name : names) {
      if (!name.starts_with("nacre.db")) joined += (joined.empty() ? "" : " ") + name;
    }
    return joined;
  }

 private:
  TemporaryFolder folder_;
  const std::string from_ = folder_.file();
  const std::string to_ = folder_.path() / "copy.db";
  sqlite::Connection writer_ = connect(from_);
};

std::string answer(const std::string& file, const std::string& sql) {
  auto connection = connect(file);
  REQUIRE(connection.ready().has_value());
  sqlite::Run run(connection, sql);
  REQUIRE(run.step());
  return std::string(run.text(0));
}

std::string content(const std::string& file) {
  std::ifstream opened(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(opened), {}};
}

/// The process works in a folder while this lives.
class InFolder {
 public:
  explicit InFolder(const std::filesystem::path& folder) { std::filesystem::current_path(folder); }
  ~InFolder() { std::filesystem::current_path(before_); }
  InFolder(const InFolder&) = delete;
  InFolder& operator=(const InFolder&) = delete;

 private:
  const std::filesystem::path before_ = std::filesystem::current_path();
};

/// The disk is full while this lives.
class FullDisk {
 public:
  FullDisk() { set_write(fail); }
  ~FullDisk() { set_write(nullptr); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  static ssize_t fail(int, const void*, size_t, off_t) {
    errno = ENOSPC;
    return -1;
  }
  /// SQLite's. nullptr: the system's. Builds of SQLite use one name or the other.
  static void set_write(ssize_t (*write)(int, const void*, size_t, off_t)) {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    for (const char* const name : {"pwrite", "pwrite64"})
      vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(write));
  }
};

}  // namespace

TEST_CASE("a backup is the database at one moment, though others write all the while") {
  BackedUp database;
  int written = 0;
  const auto write = [&] {
    database.execute("INSERT INTO t (text) VALUES ('meanwhile'); DELETE FROM t WHERE id = " + std::to_string(++written));
    return false;
  };
  REQUIRE(database.back_up(write).has_value());
  CHECK(written > 5);
  CHECK(answer(database.to(), "PRAGMA integrity_check") == "ok");
  CHECK(answer(database.to(), "SELECT count(*) || ' ' || min(id) || ' ' || max(id) FROM t") ==
        std::to_string(kRows) + " 1 " + std::to_string(kRows));
  CHECK(database.others() == "copy.db");
}

TEST_CASE("a backup is its owner's alone, and can be read where nothing can be written") {
  BackedUp database;
  REQUIRE(database.back_up().has_value());
  struct stat found {};
  REQUIRE(::stat(database.to().c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0600);
  std::string head(20, '\0');
  std::ifstream(database.to(), std::ios::binary).read(head.data(), static_cast<std::streamsize>(head.size()));
  CHECK(head.substr(18) == "\1\1");
}

TEST_CASE("a backup replaces no file, and is not made beside what SQLite would take for its log") {
  bool before = false;
  SUBCASE("that is there before") { before = true; }
  SUBCASE("that comes meanwhile") {}
  for (const std::string suffix : {"", "-wal", "-journal", "-shm"}) {
    CAPTURE(suffix);
    BackedUp database;
    const std::string file = database.to() + suffix;
    const auto put = [&] {
      std::ofstream(file) << "mine";
      return false;
    };
    if (before) put();
    const auto done = database.back_up(put);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().error == Error::conflict);
    CHECK(done.error().detail == file + " is there already");
    CHECK(content(file) == "mine");
    CHECK(database.others() == "copy.db" + suffix);
  }
}

TEST_CASE("a backup gets no name that SQLite gives to logs") {
  BackedUp database;
  for (const std::string suffix : {"-wal", "-journal", "-shm"}) {
    const auto done = sqlite::back_up(database.from(), database.to() + suffix, [] { return false; });
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().error == Error::bad_request);
  }
  CHECK(database.others().empty());
}

TEST_CASE("files of whatever name stay as they are, whether a backup fails or not") {
  BackedUp database;
  const std::string other = database.to() + ".partial";
  REQUIRE(sqlite::back_up(database.from(), other, [] { return false; }).has_value());
  const std::string before = content(other);
  SUBCASE("beside one that is made") {
    REQUIRE(database.back_up().has_value());
    CHECK(database.others() == "copy.db copy.db.partial");
  }
  SUBCASE("beside one that fails") {
    REQUIRE_FALSE(database.back_up([] { return true; }).has_value());
    CHECK(database.others() == "copy.db.partial");
  }
  SUBCASE("being what is copied") {
    REQUIRE(sqlite::back_up(other, database.to(), [] { return false; }).has_value());
    CHECK(answer(database.to(), "SELECT count(*) FROM t") == std::to_string(kRows));
  }
  CHECK(content(other) == before);
}

TEST_CASE("only a file that is a store of Nacre's is backed up") {
  BackedUp database;
  const InFolder folder(database.folder());
  std::string from;
  SUBCASE("not no name") {}
  SUBCASE("not a database in memory") { from = ":memory:"; }
  SUBCASE("not what is at a URI") { from = "file:" + database.from() + "?mode=ro"; }
  SUBCASE("not a device") { from = "/dev/null"; }
  SUBCASE("not a folder") { from = database.folder(); }
  SUBCASE("not an empty file") { std::ofstream(from = "nacre.db.empty").flush(); }
  SUBCASE("not a text") { std::ofstream(from = "nacre.db.txt") << "Dear SQLite, this is none of yours, nor was it ever."; }
  SUBCASE("not another's database") {
    from = "nacre.db.other";
    auto other = connect(from);
    REQUIRE(other.ready().has_value());
    REQUIRE(other.execute("CREATE TABLE t (id)").has_value());
  }
  SUBCASE("not one of several names, whose log is beside another") {
    from = "nacre.db.link";
    std::filesystem::create_hard_link(database.from(), from);
  }
  CHECK_FALSE(sqlite::back_up(from, database.to(), [] { return false; }).has_value());
  CHECK(database.others().empty());
}

TEST_CASE("a store's file may be called what SQLite takes for something else") {
  BackedUp database;
  const InFolder folder(database.folder());
  REQUIRE(database.back_up().has_value());
  for (const std::string name : {":memory:", "file:nacre.db?mode=memory"}) {
    std::filesystem::rename(database.to(), name);
    REQUIRE(sqlite::back_up(name, database.to(), [] { return false; }).has_value());
    CHECK(answer(database.to(), "SELECT count(*) FROM t") == std::to_string(kRows));
  }
}

TEST_CASE("of two backups to one name the first that is whole gets it") {
  BackedUp database;
  bool second = false;
  const auto first = database.back_up([&] {
    second = database.back_up().has_value() || second;
    return false;
  });
  CHECK(second);
  REQUIRE_FALSE(first.has_value());
  CHECK(first.error().error == Error::conflict);
  CHECK(database.others() == "copy.db");
  CHECK(answer(database.to(), "PRAGMA integrity_check") == "ok");
}

TEST_CASE("a backup that fails leaves nothing behind") {
  BackedUp database;
  int asked = 0;
  SUBCASE("stopped") {
    const auto done = database.back_up([&] { return ++asked == 5; });
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().error == Error::cancelled);
  }
  SUBCASE("stopped while it is checked") {
    REQUIRE(database.back_up([&] { return ++asked < 0; }).has_value());
    std::filesystem::remove(database.to());
    const int all = std::exchange(asked, 0);
    CHECK_FALSE(database.back_up([&] { return ++asked == all; }).has_value());
  }
  SUBCASE("on a full disk") {
    const FullDisk full;
    const auto done = database.back_up();
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().detail == "copying to " + database.to() + ": No space left on device");
  }
  SUBCASE("at the limit of a file's size") {
    const int status = database.back_up_elsewhere([] {
      const rlimit limit{1'000'000, 1'000'000};
      signal(SIGXFSZ, SIG_IGN);
      setrlimit(RLIMIT_FSIZE, &limit);
      return false;
    });
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
  }
  SUBCASE("of a damaged database") {
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    std::fstream file(database.from(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(50 * 4096);
    file << std::string(4096, '\xEE');
    file.close();
    const auto done = database.back_up();
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().detail.find("damaged") != std::string::npos);
  }
  SUBCASE("of no database") {
    std::filesystem::remove(database.from());
    CHECK_FALSE(database.back_up().has_value());
    CHECK_FALSE(std::filesystem::exists(database.from()));
  }
  CHECK(database.others().empty());
}

TEST_CASE("what a killed backup has left is not a backup, and is left alone") {
  BackedUp database;
  int asked = 0;
  const int status = database.back_up_elsewhere([&] {
    if (++asked == 5) raise(SIGKILL);
    return false;
  });
  CHECK(WIFSIGNALED(status));
  const std::string left = database.others();
  CHECK(left.starts_with("nacre_backup-"));
  CHECK(left.ends_with(".partial"));
  CHECK(database.back_up().has_value());
  CHECK(database.others() == "copy.db " + left);
  CHECK(answer(database.to(), "PRAGMA integrity_check") == "ok");
}

}  // namespace nacre::store
