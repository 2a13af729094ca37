#include "store/sqlite/connection.h"

#include <doctest/doctest.h>

#include <fstream>

#include "store/sqlite/fixture.h"

namespace nacre::store::sqlite {
namespace {

Connection plain(const std::string& file, std::size_t max_statements = 64) {
  return Connection({.path = file, .max_statements = max_statements}, [](Connection&) { return Result<void>(); });
}

const std::string kEndless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

}  // namespace

TEST_CASE("a connection is opened when it is needed, in WAL mode and with full synchronization") {
  TemporaryFolder folder;
  Connection connection = plain(folder.file());
  CHECK(connection.handle() == nullptr);
  REQUIRE(connection.ready().has_value());
  Run mode(connection, "PRAGMA journal_mode");
  REQUIRE(mode.step());
  CHECK(mode.text(0) == "wal");
  Run synchronous(connection, "PRAGMA synchronous");
  REQUIRE(synchronous.step());
  CHECK(synchronous.integer(0) == 2);
}

TEST_CASE("a long read ends when its time is over or nobody waits for it") {
  TemporaryFolder folder;
  Connection connection = plain(folder.file());
  REQUIRE(connection.ready().has_value());
  std::atomic<bool> abandoned = false;
  connection.limit(monotonic_now(), &abandoned);
  CHECK(Run(connection, kEndless).finish().error().error == Error::deadline);
  connection.limit(monotonic_now() + Milliseconds{3'600'000}, &abandoned);
  abandoned = true;
  CHECK(Run(connection, kEndless).finish().error().error == Error::deadline);
  abandoned = false;
  CHECK(Run(connection, "SELECT 1").finish().has_value());
}

TEST_CASE("statements are kept, but no more than so many") {
  TemporaryFolder folder;
  Connection connection = plain(folder.file(), 8);
  REQUIRE(connection.ready().has_value());
  const std::string often = "SELECT 'often'";
  sqlite3_stmt* const kept = connection.statement(often);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(connection.statement("SELECT " + std::to_string(i)) != nullptr);
    CHECK(connection.statement(often) == kept);
  }
  int count = 0;
  for (sqlite3_stmt* s = sqlite3_next_stmt(connection.handle(), nullptr); s != nullptr;
       s = sqlite3_next_stmt(connection.handle(), s)) {
    ++count;
  }
  CHECK(count == 8);
}

TEST_CASE("an error stays with its run and does not harm the next") {
  TemporaryFolder folder;
  Connection connection = plain(folder.file());
  REQUIRE(connection.ready().has_value());
  Run wrong(connection, "SELECT x FROM nowhere");
  wrong.bind("x").bind(std::int64_t{1}).bind_null();
  CHECK_FALSE(wrong.step());
  CHECK(wrong.failed());
  const std::string internal = wrong.failure().internal;
  CAPTURE(internal);
  CHECK(internal.find("nowhere") != std::string::npos);
  Run right(connection, "SELECT ?, ?, ?, ?");
  right.bind("").bind(std::int64_t{-1}).bind(0.5).bind_null();
  REQUIRE(right.step());
  CHECK_FALSE(right.is_null(0));
  CHECK(right.text(0).empty());
  CHECK(right.integer(1) == -1);
  CHECK(right.real(2) == 0.5);
  CHECK(right.is_null(3));
}

TEST_CASE("what is no database is not touched") {
  TemporaryFolder folder;
  const std::string text(8192, 'x');
  std::ofstream(folder.file()) << text;
  Connection connection = plain(folder.file());
  const auto ready = connection.ready();
  REQUIRE_FALSE(ready.has_value());
  CHECK(ready.error().error == Error::unavailable);
  std::ifstream in(folder.file());
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == text);
}

TEST_CASE("what SQLite does not take is a defect, and not a store that is away") {
  TemporaryFolder folder;
  Connection connection = plain(folder.file());
  REQUIRE(connection.ready().has_value());
  std::string deep = "1";
  for (int i = 0; i < 1'200; ++i) deep += " OR 1";
  for (const std::string& sql : {std::string("SELEC 1"), "SELECT " + deep, std::string("SELECT json_extract('{', '$')")}) {
    const auto failed = Run(connection, sql).finish();
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().error == Error::internal);
    CHECK(failed.error().internal.starts_with("SQLite: "));
    CHECK(failed.error().detail.empty());
  }
  CHECK(Run(connection, "SELECT 1").finish().has_value());
  for (const int code : {SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_NOMEM, SQLITE_READONLY}) {
    CHECK(connection.failure(code).error == Error::unavailable);
  }
  CHECK(connection.failure(SQLITE_TOOBIG).error == Error::too_large);
}

TEST_CASE("long statements are kept only as far as they take little memory") {
  TemporaryFolder folder;
  Connection connection = plain(folder.file());
  REQUIRE(connection.ready().has_value());
  const std::string often = "SELECT 'often'";
  sqlite3_stmt* const kept = connection.statement(often);
  for (int i = 0; i < 64; ++i) {
    REQUIRE(connection.statement("SELECT " + std::to_string(i) + ", '" + std::string(60'000, 'x') + "'") != nullptr);
    CHECK(connection.statement(often) == kept);
  }
  int count = 0;
  for (sqlite3_stmt* s = sqlite3_next_stmt(connection.handle(), nullptr); s != nullptr;
       s = sqlite3_next_stmt(connection.handle(), s)) {
    ++count;
  }
  CHECK(count <= 9);
}

TEST_CASE("a reader that stays for long does not make each checkpoint wait, however long the log is") {
  TemporaryFolder folder;
  Connection writer = plain(folder.file());
  Connection reader = plain(folder.file());
  REQUIRE(writer.ready().has_value());
  REQUIRE(reader.ready().has_value());
  REQUIRE(writer.execute("PRAGMA synchronous = OFF; CREATE TABLE t (text TEXT)").has_value());
  REQUIRE(reader.execute("BEGIN; SELECT * FROM t").has_value());
  REQUIRE(writer.execute("INSERT INTO t VALUES (zeroblob(70000000))").has_value());
  CHECK(writer.log_pages() > 16'000);
  const Monotonic begin = monotonic_now();
  for (int i = 0; i < 500; ++i) writer.checkpoint();
  CHECK(monotonic_now() - begin < Milliseconds{8'000});  // waiting each time would take 10 s
  REQUIRE(reader.execute("COMMIT").has_value());
  writer.checkpoint();
  REQUIRE(writer.execute("INSERT INTO t VALUES ('x')").has_value());
  CHECK(writer.log_pages() < 100);
}

TEST_CASE("a large index is dropped without writing its pages") {
  TemporaryFolder folder;
  Connection connection = plain(folder.file());
  REQUIRE(connection.ready().has_value());
  REQUIRE(connection
              .execute("CREATE TABLE t (text TEXT); CREATE INDEX i ON t (text);"
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                       "INSERT INTO t SELECT hex(randomblob(50)) FROM n; PRAGMA wal_checkpoint(TRUNCATE)")
              .has_value());
  REQUIRE(connection.execute("DROP INDEX i").has_value());
  CHECK(std::filesystem::file_size(folder.file() + "-wal") < 100'000);
}

}  // namespace nacre::store::sqlite
