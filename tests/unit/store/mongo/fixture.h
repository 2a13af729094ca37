#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "fiber/fiber.h"
#include "fiber/poll_reactor.h"
#include "mongo/uri.h"
#include "store/conformance.h"
#include "store/mongo/mongo.h"

namespace nacre::store {

/// Where the server for tests is: `MONGODB_URI`; nullptr when there is none.
inline const char* mongo_for_tests() { return std::getenv("MONGODB_URI"); }

/// A target on that server, in a database that no other test has.
inline nacre::mongo::Target fresh_target() {
  static int count = 0;
  auto uri = nacre::mongo::parse_uri(mongo_for_tests());
  REQUIRE_MESSAGE(uri.has_value(), (uri ? "" : uri.error().detail));
  uri->database = "nacre_unit_" + std::to_string(::getpid()) + "_" + std::to_string(count++);
  return {.uri = std::make_shared<const nacre::mongo::Uri>(std::move(*uri)), .tls = nullptr};
}

/// A store in a database of its own, which is dropped with it.
class MongoUnderTest final : public StoreUnderTest {
 public:
  enum class Afterwards : std::uint8_t { drop, keep };  ///< the database

  MongoUnderTest(std::span<const config::Resource> resources, Written written, nacre::mongo::Target target = fresh_target(),
                 Afterwards afterwards = Afterwards::drop, Turn turn = {}, Timestamp read = {},
                 Milliseconds look_again = Milliseconds{60'000})
      : afterwards_(afterwards),
        target_(std::move(target)),
        store_(open_mongo(reactor, options(std::move(written), std::move(turn), read, look_again))) {
    store_->prepare(resources);
  }
  ~MongoUnderTest() override {
    if (afterwards_ == Afterwards::keep) return;
    nacre::mongo::Client client(reactor, target_, kTimeout, nacre::mongo::Listeners{});
    client.start();
    run([&] { (void)client.write([](auto& bson) { bson.int32("dropDatabase", 1); }, {.until = fiber::deadline()}); });
  }

  Store& store() override { return *store_; }
  void run(const std::function<void()>& body) override { run_together({&body, 1}); }
  void run_together(std::span<const std::function<void()>> bodies) override {
    for (const auto& body : bodies) {
      REQUIRE(scheduler.start(reactor.now() + Milliseconds{120'000}, body).has_value());
    }
    reactor.run_until([this] { return scheduler.running() == 0; });
  }

  PollReactor reactor;
  fiber::Scheduler scheduler{reactor};
  std::vector<std::string> log;  ///< what operators are told

 private:
  /// `read`: when the configuration was; by default now.
  MongoOptions options(Written written, Turn turn, Timestamp read, Milliseconds look_again) {
    MongoOptions options{.target = target_, .timeout = kTimeout, .written = std::move(written)};
    options.log = [this](LogLevel, std::string_view line) { log.emplace_back(line); };
    options.turn = std::move(turn);
    if (read != Timestamp{}) options.generation = "read at " + std::to_string(read.time_since_epoch().count());
    options.read = read;
    options.look_again = look_again;
    return options;
  }

  static constexpr Milliseconds kTimeout{20'000};  // the server's own speed is not what is tested

  const Afterwards afterwards_;
  nacre::mongo::Target target_;
  std::unique_ptr<Store> store_;
};

}  // namespace nacre::store
