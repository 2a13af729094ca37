#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "net/connection.h"
#include "redis/resp.h"
#include "redis/words.h"

namespace nacre::redis {

/// One server as a worker sees it: the connection for commands, and whether it is worth waiting for.
class Node {
 public:
  using Connection = net::Connection<Resp>;

  struct Options {
    Milliseconds timeout{250};  ///< of silence, after which commands fail at once
    Log log{};
    std::string name = "redis";          ///< in the log
    std::function<void()> on_open = {};  ///< called when a connection was made, before anything is sent on it
  };

  Node(Reactor& reactor, net::Threads& threads, net::ConnectionBase::Dial dial, Options options);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Waits for a connection that is being made, if the last one was good and for no longer than the timeout. Error::unavailable
  /// when there is none, or when it has been silent for too long while replies were due.
  Result<void> settle();

  /// The server's reply, an error of its own included. What can't have reached it is tried once more on a new connection.
  /// Error::deadline is that of the fiber.
  Result<Reply> command(Words words);

  Result<void> send(Words words);

  /// A call to be made now and waited for later, in the order of the calls.
  class Call : public Connection::Call {
   public:
    Call(Node& node, Words words)
        : Connection::Call(node.connection_, [words](std::string& out) { append_command(out, words); }) {}
  };

  /// True when a command would be sent, or would wait for a hopeful connection.
  bool available() const noexcept;
  /// The server said that it is the wrong one: it is dialled anew.
  void abandon(const std::string& why) { connection_.abandon(why); }
  /// Another one is known to be the right one: it is dialled at once.
  void redial(const std::string& why);

  /// For a connection to a server that should answer within `timeout`.
  static net::ConnectionOptions connection_options(Milliseconds timeout);

 private:
  /// A connection is being made, and is worth waiting for: the last one was good, and it has not taken long yet.
  bool hopeful() const noexcept;
  bool silent() const noexcept { return connection_.silent_for() >= options_.timeout; }
  Failure away() const;
  void on_change();

  Reactor& reactor_;
  const Options options_;
  Connection connection_;
  std::shared_ptr<fiber::Event> settled_ = std::make_shared<fiber::Event>();
  bool good_ = true;  ///< the last connection was, or this is the first
  Monotonic dialled_;
  Outage outage_;
};

}  // namespace nacre::redis
