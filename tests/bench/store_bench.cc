// Measures the SQLite store beside the same statements in a bare loop, in one process and on files of one folder:
//   store_bench [FOLDER]
// Reads: 64 fibers that each read one document after the other, beside a loop that does so without anything around it.
// Inserts at synchronous=FULL: 64 fibers that each insert one after the other, beside a loop that commits each.
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fiber/fiber.h"
#include "fiber/poll_reactor.h"
#include "json/parse.h"
#include "store/sqlite/sqlite.h"

namespace {

using namespace nacre;  // NOLINT(google-build-using-namespace): a program of one file

constexpr int kDocuments = 10'000;
constexpr int kFibers = 64;
constexpr double kSeconds = 2;

[[noreturn]] void die(std::string_view what) {
  std::fprintf(stderr, "store_bench: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

void check(sqlite3* database, bool good) {
  if (!good) die(sqlite3_errmsg(database));
}

config::Resource notes() {
  Json json = *parse_json(R"({"type": "object", "properties": {"title": {"type": "string"}, "stars": {"type": "integer"}}})");
  auto schema = schema::Schema::compile(json);
  return {"notes", std::move(json), std::move(*schema), {}, {}, {}, {}, {}};
}

std::string id_of(int i) {
  char text[32];
  std::snprintf(text, sizeof text, "%024d", i);
  return text;
}

store::NewDocument document(std::string id) {
  JsonObject fields{{"title", "A note of the benchmark"}, {"body", std::string(150, 'x')}, {"stars", 5}};
  return {.id = std::move(id), .fields = std::move(fields), .created = Timestamp{Milliseconds{1'767'225'600'000}}, .owner = {}};
}

double bare(const std::function<void(int)>& operation) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::chrono::duration<double> taken{};
  int count = 0;
  do {
    for (int i = 0; i < 16; ++i) operation(count++);
    taken = Clock::now() - start;
  } while (taken.count() < kSeconds);
  return count / taken.count();
}

sqlite3* open(const std::string& file) {
  sqlite3* database = nullptr;
  check(database, sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  check(database,
        sqlite3_exec(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", nullptr, nullptr, nullptr) == 0);
  return database;
}

sqlite3_stmt* prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  check(database, sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) == SQLITE_OK);
  return statement;
}

double bare_reads(const std::string& file) {
  sqlite3* const database = open(file);
  sqlite3_stmt* const one = prepare(database, "SELECT rev, created, updated, owner, doc FROM r_notes WHERE id = ?");
  std::vector<std::string> ids;
  for (int i = 0; i < kDocuments; ++i) ids.push_back(id_of(i));
  std::size_t bytes = 0;
  const double rate = bare([&](int i) {
    const std::string& id = ids[static_cast<std::size_t>(i) * 7919U % kDocuments];
    sqlite3_bind_text(one, 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
    check(database, sqlite3_step(one) == SQLITE_ROW);
    const std::string text(reinterpret_cast<const char*>(sqlite3_column_text(one, 4)));
    bytes += text.size();
    sqlite3_reset(one);
  });
  sqlite3_finalize(one);
  sqlite3_close(database);
  if (bytes == 0) die("nothing was read");
  return rate;
}

double bare_inserts(const std::string& file) {
  sqlite3* const database = open(file);
  check(database, sqlite3_exec(database,
                               "CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL, created INTEGER NOT NULL,"
                               " updated INTEGER NOT NULL, owner TEXT, doc TEXT NOT NULL) WITHOUT ROWID",
                               nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_stmt* const one =
      prepare(database, "INSERT INTO t (id, rev, created, updated, owner, doc) VALUES (?, 1, 0, 0, NULL, ?)");
  std::string text;
  append_json(text, document("").fields);
  const double rate = bare([&](int i) {
    const std::string id = id_of(i);
    sqlite3_bind_text(one, 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
    sqlite3_bind_text(one, 2, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    check(database, sqlite3_step(one) == SQLITE_DONE);
    sqlite3_reset(one);
  });
  sqlite3_finalize(one);
  sqlite3_close(database);
  return rate;
}

/// A store with its loop, and a count of what its fibers did.
class Bench {
 public:
  explicit Bench(const std::string& file)
      : store_(store::open_sqlite(reactor_, {.path = file, .log = [](std::string_view line) { die(line); }})) {
    resources_.push_back(notes());
    store_->prepare(resources_);
  }

  void fill() {
    run(1, [this](int) {
      std::vector<store::NewDocument> documents;
      for (int i = 0; i < kDocuments; ++i) documents.push_back(document(id_of(i)));
      if (!store_->insert(resources_.front(), documents, {})) die("insert failed");
      return false;
    });
  }

  double reads() {
    int next = 0;
    return rate([&](int) {
      const auto found = store_->find_one(resources_.front(), id_of(next++ * 7919 % kDocuments), {});
      if (!found) die("a document was not found");
    });
  }

  double inserts() {
    int next = kDocuments;
    return rate([&](int) {
      const std::vector<store::NewDocument> one{document(id_of(next++))};
      const auto inserted = store_->insert(resources_.front(), one, {});
      if (!inserted) die("insert: " + inserted.error().detail + inserted.error().internal);
    });
  }

 private:
  void run(int fibers, const std::function<bool(int)>& step) {
    for (int i = 0; i < fibers; ++i) {
      (void)scheduler_.start(reactor_.now() + Milliseconds{60'000}, [&step, i] {
        while (step(i)) {
        }
      });
    }
    reactor_.run_until([this] { return scheduler_.running() == 0; });
  }

  double rate(const std::function<void(int)>& operation) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto end = start + std::chrono::duration<double>(kSeconds);
    int count = 0;
    run(kFibers, [&](int i) {
      operation(i);
      ++count;
      return Clock::now() < end;
    });
    return count / std::chrono::duration<double>(Clock::now() - start).count();
  }

  PollReactor reactor_;
  fiber::Scheduler scheduler_{reactor_};
  std::vector<config::Resource> resources_;
  std::unique_ptr<store::Store> store_;
};

void print(const char* what, double bare_rate, double rate) {
  std::printf("%-28s %12.0f %12.0f %8.2f\n", what, bare_rate, rate, rate / bare_rate);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder = std::filesystem::path(argc > 1 ? argv[1] : ".") / "store_bench";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  {
    Bench bench(folder / "nacre.db");
    bench.fill();
    std::printf("%-28s %12s %12s %8s\n", "operations a second", "bare SQLite", "the store", "ratio");
    const double bare_read_rate = bare_reads(folder / "nacre.db");
    print("read by _id", bare_read_rate, bench.reads());
    const double bare_insert_rate = bare_inserts(folder / "bare.db");
    print("insert, synchronous=FULL", bare_insert_rate, bench.inserts());
  }
  std::filesystem::remove_all(folder);
  return 0;
}
