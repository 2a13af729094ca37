#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "fiber/poll_reactor.h"
#include "mongo/client.h"
#include "mongo/scripted_server.h"

namespace nacre::mongo {

/// A client of a scripted server.
struct Talk {
  explicit Talk(const ScriptedServer& server, std::string_view options = {}, LastWrite* of_host = nullptr) {
    const auto uri = parse_uri(server.uri(options));
    REQUIRE_MESSAGE(uri.has_value(), (uri ? "" : uri.error().detail));
    client = std::make_unique<Client>(reactor, Target{std::make_shared<const Uri>(*uri), nullptr}, Milliseconds{1'000},
                                      Listeners{}, of_host);
    client->start();
  }
  void run(Milliseconds patience, const std::function<void()>& body) {
    REQUIRE(scheduler.start(reactor.now() + patience, body).has_value());
    reactor.run_until([this] { return scheduler.running() == 0; });
  }
  /// Runs them all at once.
  void run_together(std::span<const std::function<void()>> bodies) {
    for (const auto& body : bodies) REQUIRE(scheduler.start(reactor.now() + Milliseconds{20'000}, body).has_value());
    reactor.run_until([this] { return scheduler.running() == 0; });
  }
  Result<Answer> read(Use use = Use::own) {
    return client->read([](BsonWriter& bson) { bson.string("find", "c"); }, {.use = use});
  }
  Result<Answer> write() { return write({.until = fiber::deadline()}); }
  Result<Answer> write(const Demand& demand) {
    return client->write([](BsonWriter& bson) { bson.string("insert", "c"); }, demand);
  }
  /// A command of that name.
  Result<Answer> call(std::string_view name) {
    return client->read([&](BsonWriter& bson) { bson.int32(name, 1); });
  }

  PollReactor reactor;
  fiber::Scheduler scheduler{reactor};
  std::unique_ptr<Client> client;
};

}  // namespace nacre::mongo
