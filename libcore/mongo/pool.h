#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "fiber/fiber.h"
#include "mongo/shared_connections.h"

namespace nacre::mongo {

class Pool;

/// A connection of a pool.
struct Pooled : ServerConnection {
  using ServerConnection::ServerConnection;

  bool held = false;       ///< by a fiber, or for one that is about to run
  Monotonic idle_since{};  ///< when it was given back
};

/// The right to use a connection: of a pool, which gets it back at the end, or a shared one.
class Checkout {
 public:
  explicit Checkout(ServerConnection& shared) noexcept : connection_(&shared) {}
  Checkout(Pool& pool, Pooled& pooled) noexcept : pool_(&pool), connection_(&pooled), pooled_(&pooled) {}
  Checkout(Checkout&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        connection_(std::exchange(other.connection_, nullptr)),
        pooled_(other.pooled_) {}
  Checkout& operator=(Checkout&& other) noexcept;
  ~Checkout() { end(); }

  /// Gives it back, before the end of the scope.
  void end();
  /// Whether there is a connection that takes a command.
  bool is_usable() const noexcept { return connection_ != nullptr && connection_->is_usable(); }
  ServerConnection& operator*() const noexcept { return *connection_; }
  ServerConnection* operator->() const noexcept { return connection_; }

 private:
  Pool* pool_ = nullptr;          ///< nullptr: shared, or at an end
  ServerConnection* connection_;  ///< nullptr: at an end
  Pooled* pooled_ = nullptr;
};

/// A worker's connections to servers of one role that one fiber at a time holds: MongoDB works on a connection's commands one
/// after another, and that another member acknowledges is part of the work. Fibers get them in the order in which they asked.
/// One more is opened when somebody waits, up to maxPoolSize, of which maxConnecting at once; what was idle for maxIdleTimeMS
/// is closed where there are more than minPoolSize.
/// https://github.com/mongodb/specifications/blob/master/source/connection-monitoring-and-pooling/connection-monitoring-and-pooling.md
///
/// One whose command was given up is out of use until the reply has come, or the server must have ended it. A lost one is made
/// anew as long as somebody waits.
class Pool {
 public:
  /// `shared`: tells whether the role's server is away.
  Pool(const Connector& connector, const SharedConnections& shared, const Listeners& listeners);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Begins to open minPoolSize connections.
  void start();

  /// Waits its turn, for waitQueueTimeoutMS at most. Error::unavailable: the server is away; Error::overloaded: too many wait,
  /// or none was free in time; Error::cancelled.
  Result<Checkout> check_out();

  /// Those to servers that are to be left are closed when nobody uses them.
  void follow(const Choice& choice);
  /// All connections to that server are dismissed.
  void dismiss(const std::string& address, const std::string& why);
  /// Those to a former primary are dismissed. False: there are none.
  bool dismiss_stale();
  /// The server is there again: what waits for its next try to connect tries now.
  void retry();
  /// Why no connection is open, when the last try to open one failed.
  std::optional<Failure> lost() const;
  Usage usage() const noexcept;

 private:
  friend class Checkout;
  struct Waiter {
    fiber::Event ready;
    Pooled* connection = nullptr;
  };

  Result<Pooled*> wait_in_turn();
  Pooled* take_idle() noexcept;
  void check_in(Pooled& pooled);
  void settle(Pooled& pooled);
  void discard(Pooled& pooled);
  void drop_unusable() noexcept;
  void grow();
  void close_idle();
  void watch_idle();
  std::size_t connecting() const noexcept;
  Failure none_in_time();

  const Connector& connector_;
  const SharedConnections& shared_;
  const Listeners& listeners_;
  std::vector<std::unique_ptr<Pooled>> connections_;
  std::vector<Pooled*> idle_;   ///< the one that was used last is the last
  std::list<Waiter*> waiting_;  ///< on their fibers' stacks, the first to be served first
  std::vector<std::unique_ptr<Pooled>> gone_;
  Task clearing_{[this] { gone_.clear(); }};
  std::unique_ptr<Timer> aging_;  ///< of idle ones
  Outage lost_;                   ///< told to operators
};

}  // namespace nacre::mongo
