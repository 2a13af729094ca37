#include "store/sqlite/backup.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

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
        "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
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
  bool exists(const std::string& suffix) const { return std::filesystem::exists(to_ + suffix); }
  /// Neither the copy nor anything on the way to it.
  bool left_nothing() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      if (entry.path().filename().string().starts_with("copy")) return false;
    return true;
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
  CHECK_FALSE(database.exists(".partial"));
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

TEST_CASE("a backup replaces no file") {
  BackedUp database;
  SUBCASE("that is there before") {
    std::ofstream(database.to()) << "mine";
    const auto done = database.back_up();
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().error == Error::conflict);
  }
  SUBCASE("that comes meanwhile") {
    const auto done = database.back_up([&] {
      std::ofstream(database.to()) << "mine";
      return false;
    });
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().error == Error::conflict);
  }
  std::string text;
  std::ifstream(database.to()) >> text;
  CHECK(text == "mine");
  CHECK_FALSE(database.exists(".partial"));
}

TEST_CASE("of two backups to one name the second gives way") {
  BackedUp database;
  int refused = 0;
  const auto done = database.back_up([&] {
    const auto second = database.back_up();
    refused += !second && second.error().error == Error::conflict ? 1 : 0;
    return false;
  });
  CHECK(done.has_value());
  CHECK(refused > 5);
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
  CHECK(database.left_nothing());
}

TEST_CASE("what a killed backup has left is not a backup, and gives place to the next") {
  BackedUp database;
  int asked = 0;
  const int status = database.back_up_elsewhere([&] {
    if (++asked == 5) raise(SIGKILL);
    return false;
  });
  CHECK(WIFSIGNALED(status));
  CHECK_FALSE(database.exists(""));
  CHECK(database.exists(".partial"));
  CHECK(database.back_up().has_value());
  CHECK_FALSE(database.exists(".partial"));
  CHECK(answer(database.to(), "PRAGMA integrity_check") == "ok");
}

}  // namespace nacre::store
