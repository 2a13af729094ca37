#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fiber/fiber.h"
#include "fiber/manual_reactor.h"
#include "store/conformance.h"
#include "store/sqlite/sqlite.h"

namespace nacre::store {

/// A folder that is gone with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nacre-store-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string file() const { return path_ / "nacre.db"; }

 private:
  std::filesystem::path path_;
};

/// An SQLite store over a reactor that is driven by hand.
class SqliteUnderTest final : public StoreUnderTest {
 public:
  explicit SqliteUnderTest(SqliteOptions options) : store_(open_sqlite(reactor, listened(std::move(options)))) {}
  SqliteUnderTest(std::span<const config::Resource> resources, SqliteOptions options) : SqliteUnderTest(std::move(options)) {
    store_->prepare(resources);
    reactor.run();
  }

  Store& store() override { return *store_; }
  void run(const std::function<void()>& body) override { run_together({&body, 1}); }
  void run_together(std::span<const std::function<void()>> bodies) override {
    for (const auto& body : bodies) REQUIRE(scheduler.start(reactor.now() + Milliseconds{60'000}, body).has_value());
    reactor.run();
    REQUIRE(scheduler.running() == 0);
  }

  ManualReactor reactor;
  fiber::Scheduler scheduler{reactor};
  std::vector<std::string> log;  ///< what operators are told

 private:
  SqliteOptions listened(SqliteOptions options) {
    options.log = [this](LogLevel, std::string_view line) { log.emplace_back(line); };
    return options;
  }

  std::unique_ptr<Store> store_;
};

}  // namespace nacre::store
