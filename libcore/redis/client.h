#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/time.h"
#include "fiber/reactor.h"
#include "net/threads.h"
#include "redis/reply.h"
#include "redis/script.h"
#include "redis/servers.h"
#include "redis/subscriber.h"
#include "redis/target.h"
#include "redis/words.h"

namespace nacre::redis {

struct ClientOptions {
  Milliseconds timeout{250};  ///< for each call
  /// Called for each call with its outcome and its time.
  std::function<void(std::optional<Error> error, std::chrono::nanoseconds took)> observe{};
  /// For operators: a line when Redis is lost, one for another reason that it is kept away for, and one when it is back.
  Log log{};
};

/// One worker's way to Redis: one connection for commands (one to each master of a cluster) and, for who listens, one for
/// messages. Commands of all fibers are pipelined. Connects at once, on threads, and again whenever a connection is lost.
///
/// Errors of all calls:
/// - Error::unavailable: Redis is away, is silent for longer than `timeout`, or can't serve this now (loading, read-only,
/// cluster
///   down, out of memory). While it is known to be away or silent, calls fail at once; the first ones wait for the first
///   connection.
/// - Error::overloaded: too many commands wait.
/// - Error::internal: the server refused the command; `internal` has its words.
/// - Error::deadline, Error::cancelled: the fiber's own.
///
/// A command that failed with `unavailable` or `deadline` may have been carried out, or will be: a server that hung goes on
/// with what was sent. What must not happen late has to carry its own limit.
///
/// On a fiber, unless said. In a cluster, a command goes to the server of its key: the first argument, for EVAL and EVALSHA the
/// third, and any server's when there is none.
class Client {
 public:
  /// Both must outlive it; `threads` should be for Redis alone.
  Client(Reactor& reactor, net::Threads& threads, const std::shared_ptr<const Target>& target, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<Reply> command(std::initializer_list<std::string_view> words) { return command(words_of(words)); }
  Result<Reply> command(Words words);
  /// Sent together; each has its own outcome, in the same order. In a cluster they may go to different servers.
  std::vector<Result<Reply>> commands(std::span<const Words> commands);
  /// Runs a script, which the server knows after the first time. In a cluster all keys must have one slot.
  Result<Reply> run(const Script& script, std::initializer_list<std::string_view> keys,
                    std::initializer_list<std::string_view> arguments);
  /// Sends a command whose reply nobody waits for: the failure, if it can't be sent now. Also on the main stack. Redirections
  /// of a cluster are not followed.
  Result<void> send(std::initializer_list<std::string_view> words);
  Result<void> ping();

  /// How many connections for commands there have been: another number says that another server may answer.
  std::uint64_t conversations() const noexcept;
  /// In a cluster: how often a master may have been replaced, or have come back with other data.
  std::uint64_t replacements() const noexcept;
  /// False while calls fail at once. Also on the main stack.
  bool available() const noexcept;
  /// Sentinel's words where it refuses to tell of a new master, which is noticed late then; empty: it does not.
  std::string refusal() const { return servers_->refusal(); }

  /// Hears messages from now on, on the main stack, until the client's end. Once, and not on a fiber.
  void listen(Listener listener);

 private:
  template <class Call>
  Result<Reply> timed(Call call);
  void observe(const Result<Reply>& reply, std::chrono::steady_clock::time_point began);

  Reactor& reactor_;
  net::Threads& threads_;
  const ClientOptions options_;
  std::unique_ptr<Servers> servers_;
  std::unique_ptr<Subscriber> subscriber_;
};

}  // namespace nacre::redis
