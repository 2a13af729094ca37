#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "net/connection.h"
#include "redis/resp.h"
#include "redis/target.h"
#include "redis/words.h"

/// Opening conversations, on the threads that dial.
namespace nacre::redis {

/// A conversation that blocks its thread.
class Talk {
 public:
  Talk(net::Socket& socket, const net::Patience& patience) : socket_(socket), patience_(patience) {}
  /// The next reply to come, an error of the server's included.
  Result<Reply> ask(std::initializer_list<std::string_view> words);

 private:
  net::Socket& socket_;
  const net::Patience& patience_;
  Resp resp_;
};

/// How a server is entered.
struct Entry {
  const Credentials& credentials;
  std::uint32_t database;
  const std::string& probe;
  const std::shared_ptr<const net::Tls>& tls;
};

/// A connection on which AUTH, SELECT, PING and a write that changes nothing were answered well. Errors as of net::dial.
Result<net::Socket> handshake(const net::Endpoint& to, const Entry& entry, const net::Patience& patience);

/// What `visit` makes of the first server for which it succeeds; each has its share of the time.
template <class T, class Visit>
Result<T> first_of(const std::vector<net::Endpoint>& servers, const net::Patience& patience, Visit visit) {
  Result<T> last = Failure(Error::unavailable);
  auto left = static_cast<std::int64_t>(servers.size());
  for (const net::Endpoint& server : servers) {
    const Monotonic now = monotonic_now();
    last = visit(server, net::Patience{now + Milliseconds{(patience.until - now).count() / left--}, patience.stop});
    if (last) break;
  }
  return last;
}

/// What dials one server of the target.
net::ConnectionBase::Dial dial_server(std::shared_ptr<const Target> target, const net::Endpoint& server);

}  // namespace nacre::redis
