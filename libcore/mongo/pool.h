#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "fiber/fiber.h"
#include "mongo/handshake.h"
#include "mongo/message.h"
#include "mongo/target.h"
#include "net/connection.h"
#include "net/threads.h"

namespace nacre::mongo {

/// One connection, and the server at its other end. It is not lent to one: commands of many fibers are under way on it.
class PooledConnection {
 public:
  PooledConnection(Reactor& reactor, net::Threads& threads, const Target& target, Role role,
                   const net::ConnectionOptions& options, std::function<void()> on_change);
  PooledConnection(const PooledConnection&) = delete;
  PooledConnection& operator=(const PooledConnection&) = delete;

  bool is_usable() const noexcept { return connection_.state() == net::ConnectionBase::State::open && !dismissed_; }
  const Server& server() const noexcept { return server_; }
  net::Connection<Codec>& connection() noexcept { return connection_; }
  const net::Connection<Codec>& connection() const noexcept { return connection_; }
  Sequence& sequence() noexcept { return *sequence_; }

 private:
  friend class Pool;
  struct Handover {
    std::mutex mutex;
    Server server;
  };

  const std::shared_ptr<Handover> handover_ = std::make_shared<Handover>();  // from the connecting thread
  const std::shared_ptr<Sequence> sequence_ = std::make_shared<Sequence>();
  Server server_;
  bool dismissed_ = false;
  net::Connection<Codec> connection_;
};

/// What a pool tells.
struct Listeners {
  std::function<void(std::string_view)> log{};              ///< one line for operators
  std::function<void(std::chrono::nanoseconds)> on_wait{};  ///< how long a fiber waited for a connection
};

/// A worker's connections to servers of one role. Commands go to the open connection with the fewest under way; when all have
/// some, one more is opened, up to maxPoolSize, maxConnecting at the same time. Without an open connection fibers wait, up to a
/// number, and when there has been none for serverSelectionTimeoutMS they fail at once. Lost connections are made anew, by
/// asking libmongoc for the server of the role again.
class Pool {
 public:
  /// `call_timeout`: how long a command may take.
  Pool(Reactor& reactor, net::Threads& threads, Target target, Role role, Milliseconds call_timeout, Listeners listeners);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Begins to open minPoolSize connections.
  void start();

  /// An open connection, which the fiber waits for; good until it waits again for something else.
  /// Error::unavailable: none in time; Error::overloaded: too many wait; Error::cancelled.
  Result<PooledConnection*> acquire();

  /// The server said that it has the role no more: its connections take no more commands, are closed when they have answered
  /// what they were given, and made anew.
  void dismiss(const PooledConnection& pooled, std::string why);

  struct Usage {
    std::size_t idle = 0;        ///< open, without a command under way
    std::size_t busy = 0;        ///< open
    std::size_t connecting = 0;  ///< or about to
    std::size_t waiting = 0;     ///< fibers
  };
  Usage usage() const noexcept;
  bool is_away() const noexcept { return away_; }  ///< no connection is open

 private:
  PooledConnection* take_least_busy();
  PooledConnection* least_busy() noexcept;
  void grow();
  void add_connection();
  void retire();
  void changed();
  Result<void> wait_for_connection();
  std::string why_none() const;

  Reactor& reactor_;
  net::Threads& threads_;
  const Target target_;
  const Role role_;
  const net::ConnectionOptions options_;
  const Listeners listeners_;
  std::vector<std::unique_ptr<PooledConnection>> connections_;
  std::shared_ptr<fiber::Event> opened_ = std::make_shared<fiber::Event>();  ///< set when the next one is open
  std::size_t waiting_ = 0;
  bool away_ = true;  ///< no connection is open
  bool told_ = false;
  Monotonic away_since_{};
  std::string dismissed_why_;
  Monotonic dismissed_until_{};
  std::unique_ptr<Timer> retiring_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nacre::mongo
