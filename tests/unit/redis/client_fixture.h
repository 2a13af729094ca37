#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "redis/client.h"
#include "redis/process.h"

namespace nacre::redis {

/// A client in a loop, on which a test runs fibers.
struct ClientFixture {
  explicit ClientFixture(Target target, Milliseconds timeout = Milliseconds{1'000})
      : client(loop.reactor, threads, std::make_shared<const Target>(std::move(target)),
               {.timeout = timeout,
                .observe = [this](std::optional<Error> error, std::chrono::nanoseconds) { ++(error ? failed : succeeded); },
                .log = [this](LogLevel, std::string_view line) { log.emplace_back(line); }}) {}

  Result<Reply> command(std::initializer_list<std::string_view> words) {
    Result<Reply> reply = Failure(Error::internal, "no fiber");
    loop.run([&] { reply = client.command(words); });
    return reply;
  }
  std::string text(std::initializer_list<std::string_view> words) {
    auto reply = command(words);
    if (!reply) return "failed: " + reply.error().internal;
    return reply->kind() == Reply::Kind::integer ? std::to_string(reply->number()) : reply->text();
  }
  /// Turns the loop for a while, or until something has happened.
  bool turn(
      Milliseconds time, const std::function<bool()>& until = [] { return false; }) {
    const Monotonic end = monotonic_now() + time;
    const auto tick = loop.reactor.timer([] {});
    bool happened = false;
    loop.reactor.run_until([&] {
      happened = until();
      tick->arm(loop.reactor.now() + Milliseconds{2});
      return happened || monotonic_now() >= end;
    });
    return happened;
  }

  net::Loop loop;
  net::Threads threads{loop.reactor, 2};
  int succeeded = 0;
  int failed = 0;
  std::vector<std::string> log;
  Client client;
};

inline Target server_at(const net::Endpoint& endpoint) { return {.endpoints = {endpoint}}; }

}  // namespace nacre::redis
