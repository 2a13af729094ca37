#include "mongo/stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace nacre::mongo {

/// libmongoc's view of a socket: it blocks, with timeouts, on a connecting thread only.
struct Streams::Stream {
  mongoc_stream_t table;  // first: libmongoc hands back a pointer to it
  std::shared_ptr<net::Socket> socket;
  Streams* streams;
  bool timed_out;

  static Stream* of(mongoc_stream_t* stream) { return reinterpret_cast<Stream*>(stream); }

  static mongoc_stream_t* make(std::shared_ptr<net::Socket> socket, Streams* streams);
  static void destroy(mongoc_stream_t* stream) { const std::unique_ptr<Stream> end(of(stream)); }

  /// Calls `move` until it has moved something. False when closed, failed or out of time. With no time at all it is to be tried
  /// again (should_retry): TLS makes a socket readable for messages of its own as well, such as a new session's ticket.
  template <class Move>
  bool until_moved(std::int32_t timeout_ms, std::size_t& bytes, const Move& move) {
    const net::Patience patience = streams->within(timeout_ms);
    while (!streams->over_) {
      const net::Moved moved = move(*socket);
      bytes = moved.bytes;
      if (moved.want == net::Want::nothing || moved.bytes > 0) return true;
      if (moved.want == net::Want::closed || moved.want == net::Want::failed) break;
      if (!net::wait_for(socket->fd(), moved.want, patience)) {
        timed_out = timeout_ms != 0;
        errno = timed_out ? ETIMEDOUT : EAGAIN;
        return false;
      }
    }
    errno = ECONNRESET;
    return false;
  }

  ssize_t write(const mongoc_iovec_t* parts, std::size_t count, std::int32_t timeout_ms) {
    ssize_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::span<const char> rest(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
      while (!rest.empty()) {
        std::size_t bytes = 0;
        if (!until_moved(timeout_ms, bytes, [&](net::Socket& s) { return s.write(rest); })) return -1;
        rest = rest.subspan(bytes);
        total += static_cast<ssize_t>(bytes);
      }
    }
    return total;
  }

  ssize_t read(const mongoc_iovec_t* parts, std::size_t count, std::size_t least, std::int32_t timeout_ms) {
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::span<char> rest(static_cast<char*>(parts[i].iov_base), parts[i].iov_len);
      while (!rest.empty()) {
        std::size_t bytes = 0;
        if (!until_moved(timeout_ms, bytes, [&](net::Socket& s) { return s.read(rest); })) return -1;
        rest = rest.subspan(bytes);
        total += bytes;
        if (total >= least) return static_cast<ssize_t>(total);
      }
    }
    return static_cast<ssize_t>(total);
  }

  static ssize_t poll(mongoc_stream_poll_t* polled, std::size_t count, std::int32_t timeout_ms) {
    std::vector<pollfd> fds(count);
    for (std::size_t i = 0; i < count; ++i) {
      const net::Socket& socket = *of(polled[i].stream)->socket;
      fds[i] = {socket.fd(), static_cast<short>(polled[i].events), 0};
      if (socket.has_buffered()) timeout_ms = 0;
    }
    ssize_t ready = ::poll(fds.data(), fds.size(), timeout_ms);
    for (std::size_t i = 0; i < count; ++i) {
      polled[i].revents = fds[i].revents;
      const bool buffered = (polled[i].events & POLLIN) != 0 && of(polled[i].stream)->socket->has_buffered();
      if (!buffered || (fds[i].revents & POLLIN) != 0) continue;
      if (fds[i].revents == 0) ready = std::max<ssize_t>(ready, 0) + 1;
      polled[i].revents |= POLLIN;
    }
    return ready;
  }
};

mongoc_stream_t* Streams::Stream::make(std::shared_ptr<net::Socket> socket, Streams* streams) {
  constexpr int kOwnType = 77;  // any number that is none of libmongoc's own
  auto stream = std::make_unique<Stream>(Stream{{}, std::move(socket), streams, false});
  mongoc_stream_t& table = stream->table;
  table.type = kOwnType;
  table.destroy = table.failed = destroy;
  table.close = [](mongoc_stream_t*) { return 0; };
  table.flush = [](mongoc_stream_t*) { return 0; };
  table.writev = [](mongoc_stream_t* s, mongoc_iovec_t* v, std::size_t n, std::int32_t ms) { return of(s)->write(v, n, ms); };
  table.readv = [](mongoc_stream_t* s, mongoc_iovec_t* v, std::size_t n, std::size_t least, std::int32_t ms) {
    return of(s)->read(v, n, least, ms);
  };
  table.poll = poll;
  table.setsockopt = [](mongoc_stream_t* s, int level, int name, void* value, mongoc_socklen_t size) {
    return ::setsockopt(of(s)->socket->fd(), level, name, value, size);
  };
  table.check_closed = [](mongoc_stream_t* s) { return of(s)->streams->over_; };
  table.timed_out = [](mongoc_stream_t* s) { return of(s)->timed_out; };
  table.should_retry = [](mongoc_stream_t*) { return errno == EAGAIN || errno == EINTR; };
  return &stream.release()->table;  // libmongoc calls `destroy`
}

void Streams::serve(mongoc_client_t* client) { mongoc_client_set_stream_initiator(client, initiate, this); }

net::Socket Streams::take(const std::string& address) {
  over_ = true;
  const auto found = opened_.find(address);
  return found == opened_.end() ? net::Socket() : std::move(*found->second);
}

net::Patience Streams::within(std::int32_t timeout_ms) const {
  net::Patience patience = patience_;
  if (timeout_ms >= 0) patience.until = std::min(patience.until, monotonic_now() + Milliseconds{timeout_ms});
  return patience;
}

mongoc_stream_t* Streams::initiate(const mongoc_uri_t* /*uri*/, const mongoc_host_list_t* host, void* self,
                                   bson_error_t* error) {
  return static_cast<Streams*>(self)->open(*host, error);
}

mongoc_stream_t* Streams::open(const mongoc_host_list_t& host, bson_error_t* error) {
  const auto fail = [&](const std::string& why) -> mongoc_stream_t* {
    bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT, "%s", why.c_str());
    return nullptr;
  };
  if (over_) return fail("the handshake is over");
  const net::Endpoint endpoint{.host = host.host, .port = host.port};
  auto socket = net::dial(endpoint, tls_, within(static_cast<std::int32_t>(connect_timeout_.count())));
  if (!socket) return fail(socket.error().internal.empty() ? "it could not be reached in time" : socket.error().internal);
  auto& opened = opened_[host.host_and_port];
  opened = std::make_shared<net::Socket>(std::move(*socket));
  return Stream::make(opened, this);
}

}  // namespace nacre::mongo
