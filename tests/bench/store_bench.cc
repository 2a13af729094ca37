// Measures the SQLite store beside the same statements in a bare loop, in one process and on files of one folder:
//   store_bench [FOLDER]
// Reads: 64 fibers that each read one document after the other, beside a loop that does so without anything around it.
// Inserts at synchronous=FULL: 64 fibers that each insert one after the other, beside a loop that commits each.
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
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

/// What was measured: operations a second, and the processor time of one on all threads, which a busy machine does not change.
struct Rate {
  double per_second = 0;
  double cpu_microseconds = 0;
};

class Stopwatch {
 public:
  bool is_over() const { return seconds() >= kSeconds; }
  Rate rate(int count) const {
    const double cpu = static_cast<double>(std::clock() - cpu_start_) / CLOCKS_PER_SEC;
    return {count / seconds(), cpu * 1e6 / count};
  }

 private:
  using Clock = std::chrono::steady_clock;
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  Clock::time_point start_ = Clock::now();
  std::clock_t cpu_start_ = std::clock();
};

Rate bare(const std::function<void(int)>& operation) {
  const Stopwatch watch;
  int count = 0;
  while (!watch.is_over()) {
    for (int i = 0; i < 16; ++i) operation(count++);
  }
  return watch.rate(count);
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

Rate bare_reads(const std::string& file) {
  sqlite3* const database = open(file);
  sqlite3_stmt* const one = prepare(database, "SELECT rev, created, updated, owner, doc FROM r_notes WHERE id = ?");
  std::vector<std::string> ids;
  ids.reserve(kDocuments);
  for (int i = 0; i < kDocuments; ++i) ids.push_back(id_of(i));
  std::size_t bytes = 0;
  const Rate rate = bare([&](int i) {
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

Rate bare_inserts(const std::string& file) {
  sqlite3* const database = open(file);
  check(database, sqlite3_exec(database,
                               "CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL, created INTEGER NOT NULL,"
                               " updated INTEGER NOT NULL, owner TEXT, doc TEXT NOT NULL)",
                               nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_stmt* const one =
      prepare(database, "INSERT INTO t (id, rev, created, updated, owner, doc) VALUES (?, 1, 0, 0, NULL, ?)");
  std::string text;
  append_json(text, document("").fields);
  const Rate rate = bare([&](int i) {
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
      : store_(store::open_sqlite(reactor_, {.path = file, .log = [](LogLevel, std::string_view line) { die(line); }})) {
    resources_.push_back(notes());
    store_->prepare(resources_);
  }

  void fill() {
    run(1, [this](int) {
      std::vector<store::NewDocument> documents;
      documents.reserve(kDocuments);
      for (int i = 0; i < kDocuments; ++i) documents.push_back(document(id_of(i)));
      if (!store_->insert(resources_.front(), documents, {})) die("insert failed");
      return false;
    });
  }

  Rate reads() {
    std::uint64_t next = 0;
    return rate([&](int) {
      const auto found = store_->find_one(resources_.front(), id_of(static_cast<int>(next++ * 7919 % kDocuments)), {});
      if (!found)
        die("read: " + std::to_string(http_status(found.error().error)) + found.error().detail + found.error().internal);
    });
  }

  Rate inserts() {
    int next = kDocuments;
    return rate([&](int) {
      const std::vector<store::NewDocument> one{document(id_of(next++))};
      const auto inserted = store_->insert(resources_.front(), one, {});
      if (!inserted) die("insert: " + inserted.error().detail + inserted.error().internal);
    });
  }

 private:
  void run(int fibers, const std::function<bool(int)>& step) {
    bool turned = false;  // the loop has slept through the bare run: it is to look at the clock first
    const auto timer = reactor_.timer([&turned] { turned = true; });
    timer->arm(reactor_.now());
    reactor_.run_until([&turned] { return turned; });
    for (int i = 0; i < fibers; ++i) {
      (void)scheduler_.start(reactor_.now() + Milliseconds{60'000}, [&step, i] {
        while (step(i)) {
        }
      });
    }
    reactor_.run_until([this] { return scheduler_.running() == 0; });
  }

  Rate rate(const std::function<void(int)>& operation) {
    const Stopwatch watch;
    int count = 0;
    run(kFibers, [&](int i) {
      operation(i);
      ++count;
      return !watch.is_over();
    });
    return watch.rate(count);
  }

  PollReactor reactor_;
  fiber::Scheduler scheduler_{reactor_};
  std::vector<config::Resource> resources_;
  std::unique_ptr<store::Store> store_;
};

void print(const char* what, const Rate& bare_rate, const Rate& rate) {
  std::printf("%-26s %12.0f %12.0f %8.2f %14.1f %14.1f\n", what, bare_rate.per_second, rate.per_second,
              rate.per_second / bare_rate.per_second, bare_rate.cpu_microseconds, rate.cpu_microseconds);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder = std::filesystem::path(argc > 1 ? argv[1] : ".") / "store_bench";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  {
    Bench bench(folder / "nacre.db");
    bench.fill();
    std::printf("%-26s %12s %12s %8s %14s %14s\n", "operations a second", "bare SQLite", "the store", "ratio", "its CPU, µs",
                "its CPU, µs");
    const Rate bare_read_rate = bare_reads(folder / "nacre.db");
    print("read by _id", bare_read_rate, bench.reads());
    const Rate bare_insert_rate = bare_inserts(folder / "bare.db");
    print("insert, synchronous=FULL", bare_insert_rate, bench.inserts());
  }
  std::filesystem::remove_all(folder);
  return 0;
}
