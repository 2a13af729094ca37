#include "net/dial.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace nacre::net {

Failure unavailable(std::string why) {
  Failure failure(Error::unavailable);
  failure.internal = std::move(why);
  return failure;
}

namespace {

constexpr Milliseconds kLook{20};  ///< between looks at whether anybody still wants it

Failure failure_of(const Socket& socket) { return unavailable(socket.failure()); }

bool give_up(const Patience& patience) noexcept { return patience.stop.stop_requested() || monotonic_now() >= patience.until; }

struct AddressesDeleter {
  void operator()(addrinfo* addresses) const noexcept { ::freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesDeleter>;

Result<Addresses> look_up(const Endpoint& to) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
  if (error != 0) return unavailable(error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error));
  return Addresses(found);
}

/// Half a minute of an idle peer's silence is looked into by the kernel.
void set_options(int fd) noexcept {
  const auto set = [fd](int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof(value)); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

Result<Socket> connect_to(const sockaddr* address, socklen_t size, const Patience& patience) {
  Socket socket(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return unavailable(std::strerror(errno));
  if (address->sa_family != AF_UNIX) set_options(socket.fd());
  if (::connect(socket.fd(), address, size) == 0) return socket;
  // EAGAIN: the queue of a Unix socket's listener is full.
  if (errno != EINPROGRESS && errno != EINTR) return unavailable(std::strerror(errno));
  if (!wait_for(socket.fd(), Want::writable, patience)) return patience.ended();
  int error = 0;
  socklen_t length = sizeof(error);
  ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return unavailable(std::strerror(error));
  return socket;
}

Result<Socket> connect_unix(const std::string& path, const Patience& patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return unavailable("the path is too long for a socket");
  std::copy(path.begin(), path.end(), address.sun_path);
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof(address), patience);
}

Result<Socket> connect_tcp(const Endpoint& to, const Patience& patience) {
  auto addresses = look_up(to);
  if (!addresses) return addresses.error();
  std::int64_t left = 0;
  for (const addrinfo* a = addresses->get(); a != nullptr; a = a->ai_next) ++left;
  Result<Socket> last = unavailable("the name has no address");
  for (const addrinfo* a = addresses->get(); a != nullptr; a = a->ai_next, --left) {
    if (give_up(patience)) return patience.ended();
    const Monotonic now = monotonic_now();
    last = connect_to(a->ai_addr, a->ai_addrlen, {now + Milliseconds{(patience.until - now).count() / left}, patience.stop});
    if (last) break;
  }
  return last;
}

/// Shakes hands over TLS.
Result<Socket> secure(Socket socket, const Tls& tls, const std::string& host, const Patience& patience) {
  auto session = tls.session(socket.fd(), host);
  if (session == nullptr) return unavailable("TLS: no memory");
  socket.secure(std::move(session));
  for (;;) {
    const Want want = socket.handshake();
    if (want == Want::nothing) return socket;
    if (want == Want::closed || want == Want::failed) return failure_of(socket);
    if (!wait_for(socket.fd(), want, patience)) return patience.ended();
  }
}

}  // namespace

std::string Endpoint::to_string() const {
  if (is_unix()) return host;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Failure Patience::ended() const {
  Failure failure(stop.stop_requested() ? Error::cancelled : Error::deadline);
  failure.internal = stop.stop_requested() ? "given up" : "timed out";
  return failure;
}

bool wait_for(int fd, Want want, const Patience& patience) noexcept {
  pollfd watched{fd, static_cast<short>(want == Want::writable ? POLLOUT : POLLIN), 0};
  while (!give_up(patience)) {
    const Milliseconds left = std::min(patience.until - monotonic_now(), kLook);
    if (::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) > 0) return true;
  }
  return false;
}

Result<Socket> dial(const Endpoint& to, const std::shared_ptr<const Tls>& tls, const Patience& patience) {
  auto socket = to.is_unix() ? connect_unix(to.host, patience) : connect_tcp(to, patience);
  if (socket && tls != nullptr) socket = secure(std::move(*socket), *tls, to.host, patience);
  if (socket) return socket;
  Failure failure = socket.error();
  failure.internal = to.to_string() + ": " + failure.internal;
  return failure;
}

Result<void> write_all(Socket& socket, std::span<const char> bytes, const Patience& patience) {
  while (!bytes.empty()) {
    const Moved moved = socket.write(bytes);
    bytes = bytes.subspan(moved.bytes);
    if (moved.want == Want::closed || moved.want == Want::failed) return failure_of(socket);
    if (moved.want != Want::nothing && !wait_for(socket.fd(), moved.want, patience)) return patience.ended();
  }
  return {};
}

Result<std::size_t> read_some(Socket& socket, std::span<char> to, const Patience& patience) {
  for (;;) {
    const Moved moved = socket.read(to);
    if (moved.bytes > 0) return moved.bytes;
    if (moved.want == Want::closed || moved.want == Want::failed) return failure_of(socket);
    if (!wait_for(socket.fd(), moved.want, patience)) return patience.ended();
  }
}

}  // namespace nacre::net
