// What SQLite does without anything around it, one operation after the other on one thread:
//   bare_sqlite read DATABASE TABLE SECONDS   the statement that Nacre reads a document with, on Nacre's own file
//   bare_sqlite insert DATABASE SECONDS       inserts at synchronous=FULL, each its own commit, into a file of its own
// Prints operations a second.
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace {

void check(sqlite3* database, bool good) {
  if (good) return;
  std::fprintf(stderr, "bare_sqlite: %s\n", sqlite3_errmsg(database));
  std::exit(1);
}

sqlite3* open(const char* path) {
  sqlite3* database = nullptr;
  check(database, sqlite3_open(path, &database) == SQLITE_OK);
  return database;
}

void execute(sqlite3* database, const char* sql) {
  check(database, sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == 0);
}

sqlite3_stmt* prepare(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  check(database, sqlite3_prepare_v3(database, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) == SQLITE_OK);
  return statement;
}

double per_second(double seconds, const std::function<void(std::size_t)>& operation) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::size_t count = 0;
  std::chrono::duration<double> taken{};
  do {
    for (int i = 0; i < 16; ++i) operation(count++);
    taken = Clock::now() - start;
  } while (taken.count() < seconds);
  return static_cast<double>(count) / taken.count();
}

double read(const char* path, const std::string& table, double seconds) {
  sqlite3* const database = open(path);
  std::vector<std::string> ids;
  sqlite3_stmt* const all = prepare(database, "SELECT id FROM \"" + table + "\" ORDER BY random()");
  while (sqlite3_step(all) == SQLITE_ROW) ids.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(all, 0)));
  check(database, !ids.empty());
  sqlite3_stmt* const one = prepare(database, "SELECT rev, created, updated, owner, doc FROM \"" + table + "\" WHERE id = ?");
  std::size_t bytes = 0;
  return per_second(seconds, [&](std::size_t i) {
    const std::string& id = ids[i % ids.size()];
    sqlite3_bind_text(one, 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
    check(database, sqlite3_step(one) == SQLITE_ROW);
    const std::string document(reinterpret_cast<const char*>(sqlite3_column_text(one, 4)));
    bytes += document.size();
    sqlite3_reset(one);
  });
}

double insert(const char* path, double seconds) {
  sqlite3* const database = open(path);
  execute(database, "PRAGMA journal_mode = WAL");
  execute(database, "PRAGMA synchronous = FULL");
  execute(database,
          "CREATE TABLE IF NOT EXISTS t (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL, created INTEGER NOT NULL,"
          " updated INTEGER NOT NULL, owner TEXT, doc TEXT NOT NULL) WITHOUT ROWID");
  sqlite3_stmt* const one = prepare(
      database, "INSERT INTO t (id, rev, created, updated, owner, doc) VALUES (lower(hex(randomblob(12))), 1, 0, 0, NULL, ?)");
  const std::string document = R"({"title":"A note of the benchmark","body":")" + std::string(150, 'x') + "\"}";
  return per_second(seconds, [&](std::size_t) {
    sqlite3_bind_text(one, 1, document.data(), static_cast<int>(document.size()), SQLITE_STATIC);
    check(database, sqlite3_step(one) == SQLITE_DONE);
    sqlite3_reset(one);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "read" && argc == 5) {
    std::printf("%.0f\n", read(argv[2], argv[3], std::atof(argv[4])));
  } else if (what == "insert" && argc == 4) {
    std::printf("%.0f\n", insert(argv[2], std::atof(argv[3])));
  } else {
    std::fputs("usage: bare_sqlite read DATABASE TABLE SECONDS | insert DATABASE SECONDS\n", stderr);
    return 1;
  }
  return 0;
}
