#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "mongo/target.h"
#include "net/dial.h"
#include "net/socket.h"

namespace nacre::mongo {

/// What is known of the server at the other end of a connection.
struct Server {
  std::string address;                 ///< host:port
  bool replicated = false;             ///< a member of a replica set, or the router of a sharded cluster
  bool router = false;                 ///< mongos
  bool transactions = false;           ///< and retryable writes: it has sessions and keeps an oplog
  std::optional<Election> election{};  ///< that made it the primary; nullopt: it is none, or the only one that is connected to
};

/// Which server is wanted.
enum class Role : std::uint8_t {
  primary,  ///< writes
  reader,   ///< by the URI's read preference
};

struct Opened {
  net::Socket socket;
  Server server;
};

/// The handshake is by libmongoc (driver.h), on a socket that net::Dialling made. Then the socket is taken from under it, and
/// nothing of libmongoc is left. Blocks: on a connecting thread only.
///
/// Error::unavailable, whose `internal` says why, without secrets.
Result<Opened> handshake(const Target& target, Role role, const net::Patience& patience);

}  // namespace nacre::mongo
