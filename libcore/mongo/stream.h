#pragma once

#include <map>
#include <memory>
#include <string>

#include "mongo/handles.h"
#include "net/dial.h"
#include "net/socket.h"

namespace nacre::mongo {

/// The connections that libmongoc opens for a handshake, and the end of its use of them.
class Streams {
 public:
  Streams(std::shared_ptr<const net::Tls> tls, net::Patience patience, Milliseconds connect_timeout)
      : tls_(std::move(tls)), patience_(std::move(patience)), connect_timeout_(connect_timeout) {}

  /// Makes `client` open its connections here; it must be gone before this is.
  void serve(mongoc_client_t* client);

  /// Takes a connection from under libmongoc, which from here on finds all of its streams dead and can open none. An unopened
  /// socket when there was none to that address.
  net::Socket take(const std::string& address);

 private:
  struct Stream;

  static mongoc_stream_t* initiate(const mongoc_uri_t* uri, const mongoc_host_list_t* host, void* self, bson_error_t* error);
  mongoc_stream_t* open(const mongoc_host_list_t& host, bson_error_t* error);
  net::Patience within(std::int32_t timeout_ms) const;

  std::shared_ptr<const net::Tls> tls_;
  net::Patience patience_;
  Milliseconds connect_timeout_;
  bool over_ = false;
  std::map<std::string, std::shared_ptr<net::Socket>> opened_;  // by address
};

}  // namespace nacre::mongo
