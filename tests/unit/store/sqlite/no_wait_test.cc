#include "store/sqlite/no_wait.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "store/sqlite/connection.h"
#include "store/sqlite/fixture.h"

namespace nacre::store::sqlite {
namespace {

constexpr std::size_t kPlenty = 1UL << 20U;

Connection opened(const std::string& file) {
  return Connection({.path = file}, [](Connection&) { return Result<void>(); });
}

/// As a writer leaves the WAL-index that dies while it commits.
void tear_wal_index(const Connection& connection) {
  sqlite3_file* file = nullptr;
  REQUIRE(sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK);
  volatile void* head = nullptr;
  REQUIRE(file->pMethods->xShmMap(file, 0, 32'768, 0, &head) == SQLITE_OK);
  constexpr int kChange = 8;  // of the first of its two copies
  auto& byte = static_cast<volatile char*>(head)[kChange];
  byte = static_cast<char>(byte + 1);
}

std::string answer(Connection& connection, const std::string& sql) {
  Run run(connection, sql);
  return run.step() ? std::string(run.text(0)) : "error " + std::to_string(run.code() & 0xFF);
}

/// A table that one has written, and the other has not read.
struct Both {
  Both() {
    REQUIRE(writer.ready().has_value());
    REQUIRE(writer.execute("CREATE TABLE t (text TEXT); INSERT INTO t VALUES ('a')").has_value());
    REQUIRE(reader.ready().has_value());
  }

  TemporaryFolder folder;
  Connection writer = opened(folder.file());
  Connection reader = opened(folder.file());
};

}  // namespace

TEST_CASE("what would have to be read from the file fails, and the connection stays good") {
  Both both;
  Connection& reader = both.reader;
  const std::string read = "SELECT text FROM t";
  CHECK(answer(reader, read) == "a");
  REQUIRE(both.writer.execute("UPDATE t SET text = 'b'").has_value());
  {
    const NoWait no_wait(0);
    CHECK(NoWait::active());
    CHECK(answer(reader, read) == "error " + std::to_string(SQLITE_IOERR));
    Run failed(reader, read);
    CHECK_FALSE(failed.step());
    CHECK(failed.failure().error == Error::unavailable);
  }
  CHECK_FALSE(NoWait::active());
  CHECK(reader.is_open());
  CHECK(answer(reader, read) == "b");
  const NoWait no_wait(0);
  CHECK(answer(reader, read) == "b");  // SQLite has the pages itself
}

TEST_CASE("what the kernel has in memory is read") {
  Both both;
  Connection& reader = both.reader;
  const NoWait no_wait(kPlenty);
  const std::string found = answer(reader, "SELECT text FROM t");
  CHECK((found == "a" || !NoWait::possible()));
}

TEST_CASE("others keep what they read while the WAL-index can't be made anew") {
  TemporaryFolder folder;
  Connection writer = opened(folder.file());
  Connection reader = opened(folder.file());
  Connection other = opened(folder.file());
  REQUIRE(writer.ready().has_value());
  REQUIRE(writer
              .execute("CREATE TABLE t (text TEXT); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                       "1000) INSERT INTO t SELECT 'old' || hex(randomblob(500)) FROM n; PRAGMA wal_checkpoint; UPDATE t SET "
                       "text = 'new' || hex(randomblob(500))")
              .has_value());
  REQUIRE(reader.ready().has_value());
  REQUIRE(other.ready().has_value());
  REQUIRE(other.execute("PRAGMA cache_size = 10; BEGIN").has_value());
  const std::string count = "SELECT count(*) FROM t WHERE text LIKE 'new%'";
  CHECK(answer(other, count) == "1000");
  tear_wal_index(other);
  {
    const NoWait no_wait(128UL << 10U);
    CHECK(answer(reader, count) == "error " + std::to_string(SQLITE_IOERR));
  }
  CHECK(answer(other, count) == "1000");
  CHECK(answer(reader, count) == "1000");
}

TEST_CASE("SQLite does not sleep while nothing is to be waited for") {
  sqlite3_vfs* const vfs = sqlite3_vfs_find(file_system());
  REQUIRE(vfs != nullptr);
  const Monotonic begin = monotonic_now();
  {
    const NoWait no_wait(kPlenty);
    CHECK(vfs->xSleep(vfs, 10'000'000) == 0);
  }
  CHECK(monotonic_now() - begin < Milliseconds{5'000});
  CHECK(vfs->xSleep(vfs, 1) > 0);
}

}  // namespace nacre::store::sqlite
