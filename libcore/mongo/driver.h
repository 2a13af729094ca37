#pragma once

#include <memory>

#include "mongo/client.h"
#include "mongo/handshake.h"
#include "mongo/stream.h"

namespace nacre::mongo {

/// The URI for libmongoc, with all that it is told of a target. `patience`: with the selection of a server. Error::unavailable.
Result<UriHandle> driver_uri(const Target& target, Milliseconds patience);

/// libmongoc's own client, on a thread where it may block: it reads the URI, asks all servers side by side until one of the
/// role is known, selects that, and authenticates.
class Driver {
 public:
  /// Errors as of handshake.
  static Result<std::unique_ptr<Driver>> connect(const Target& target, Role role, const net::Patience& patience);

  const Server& server() const noexcept { return server_; }

  /// Runs a command on the server, in the URI's database, until `until`. Error::unavailable; what the server refuses is an
  /// Answer.
  Result<Answer> call(Command command, Monotonic until);

  /// Takes the connection from under libmongoc, which is of no use from here on.
  net::Socket take() { return streams_.take(server_.address); }

 private:
  Driver(const Target& target, UriHandle uri, const mongoc_read_prefs_t* preference, const net::Patience& patience)
      : target_(target), uri_(std::move(uri)), streams_(target_, preference, patience) {}
  Result<void> select(const mongoc_read_prefs_t* preference);
  ServerHandle select_server(const mongoc_read_prefs_t* preference, bson_error_t& error);

  const Target target_;
  UriHandle uri_;
  Streams streams_;
  ClientHandle client_;  // ends before its streams
  std::uint32_t server_id_ = 0;
  Server server_;
};

}  // namespace nacre::mongo
