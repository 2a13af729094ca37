#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mongo/pool.h"
#include "mongo/shared_connections.h"

namespace nacre::mongo {

/// What a connection is wanted for.
enum class Use : std::uint8_t {
  own,     ///< whatever may take long
  shared,  ///< a look-up by `_id` and the like, which no index, lock or other member can make slow
};

/// A worker's connections to servers of one role, by use.
class Servers {
 public:
  Servers(Reactor& reactor, const Target& target, Role role, Milliseconds call_timeout, const Listeners& listeners);

  /// Begins to connect.
  void start();

  /// Errors as of SharedConnections and Pool.
  Result<Checkout> check_out(Use use);

  /// An open connection for what nobody waits for; nullptr: there is none.
  ServerConnection* any() noexcept { return shared_.least_busy(); }

  /// A new connection to the server at `address`, of the deployment, for who has to do with that one alone. Error::unavailable:
  /// it can't be connected to; Error::deadline, Error::cancelled.
  Result<std::unique_ptr<ServerConnection>> connect_to(const std::string& address);

  /// The server at the other end said that it has the role no more: all connections to it are dismissed, where another may
  /// have it.
  void dismiss(const ServerConnection& connection, const std::string& why);

  /// Another election is known of than the one that made their server the primary: they are dismissed.
  void leave_stale();
  std::function<void()> on_stale;  ///< there were such connections
  /// Those to servers that are to be left, are.
  void follow(const Choice& choice);

  std::optional<Failure> without_pool() const { return pool_.lost(); }
  bool is_away() const noexcept { return shared_.is_away(); }  ///< no connection is open
  Usage usage() const noexcept;

 private:
  net::Threads threads_;  ///< its own: connecting to silent members of another role holds up nobody
  Connector connector_;
  SharedConnections shared_;
  Pool pool_;
};

}  // namespace nacre::mongo
