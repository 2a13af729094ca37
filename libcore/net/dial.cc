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

int error_of(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof(error);
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

bool is_ready(int fd, short events) noexcept {
  pollfd watched{fd, events, 0};
  return ::poll(&watched, 1, 0) > 0;
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
  while (!patience.is_over()) {
    const Milliseconds left = std::min(patience.until - monotonic_now(), kLook);
    if (::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) > 0) return true;
  }
  return false;
}

struct Dialling::Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  Address(const void* from, std::size_t length) : size(static_cast<socklen_t>(length)) { std::memcpy(&bytes, from, length); }
};

Dialling::Dialling(const Endpoint& to, std::shared_ptr<const Tls> tls, Monotonic until)
    : to_(to), tls_(std::move(tls)), until_(until), share_until_(until), failure_(unavailable("the name has no address")) {
  look_up();
}

Dialling::~Dialling() = default;

void Dialling::look_up() {
  if (to_.is_unix()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (to_.host.size() >= sizeof(address.sun_path)) {
      failure_ = unavailable("the path is too long for a socket");
      return;
    }
    std::copy(to_.host.begin(), to_.host.end(), address.sun_path);
    addresses_.emplace_back(&address, sizeof(address));
    return;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(to_.host.c_str(), std::to_string(to_.port).c_str(), &hints, &found);
  if (error != 0) {
    failure_ = unavailable(error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error));
    return;
  }
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) addresses_.emplace_back(a->ai_addr, a->ai_addrlen);
  ::freeaddrinfo(found);
}

void Dialling::begin_next() {
  const Monotonic now = monotonic_now();
  if (next_ == addresses_.size() || now >= until_) {
    if (next_ < addresses_.size()) failure_ = Patience{until_}.ended();
    stage_ = Stage::failed;
    return;
  }
  share_until_ = now + (until_ - now) / static_cast<std::int64_t>(addresses_.size() - next_);
  connect(addresses_[next_++]);
}

void Dialling::connect(const Address& address) {
  socket_ = Socket(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.is_open()) return missed(unavailable(std::strerror(errno)));
  if (address.bytes.ss_family != AF_UNIX) set_options(socket_.fd());
  const int connected = ::connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size);
  // EAGAIN: the queue of a Unix socket's listener is full.
  if (connected != 0 && errno != EINPROGRESS && errno != EINTR) return missed(unavailable(std::strerror(errno)));
  stage_ = Stage::connecting;
}

/// This address is none; there may be another.
void Dialling::missed(Failure why) {
  failure_ = std::move(why);
  socket_ = {};
  stage_ = Stage::between;
}

Want Dialling::go_on() {
  for (;;) {
    switch (stage_) {
      case Stage::between:
        begin_next();
        break;
      case Stage::connecting: {
        if (!is_ready(socket_.fd(), POLLOUT)) {
          if (monotonic_now() < share_until_) return Want::writable;
          missed(Patience{until_}.ended());
          break;
        }
        if (const int error = error_of(socket_.fd()); error != 0) {
          missed(unavailable(std::strerror(error)));
          break;
        }
        share_until_ = until_;
        stage_ = tls_ == nullptr ? Stage::done : Stage::securing;
        if (tls_ == nullptr) break;
        auto session = tls_->session(socket_.fd(), to_.host);
        if (session == nullptr) return refused(unavailable("TLS: no memory"));
        socket_.secure(std::move(session));
        break;
      }
      case Stage::securing: {
        const Want want = socket_.handshake();
        if (want == Want::closed || want == Want::failed) return refused(failure_of(socket_));
        if (want != Want::nothing) return monotonic_now() < until_ ? want : refused(Patience{until_}.ended());
        stage_ = Stage::done;
        break;
      }
      case Stage::done:
        return Want::nothing;
      case Stage::failed:
        return Want::failed;
    }
  }
}

/// No other address would do better.
Want Dialling::refused(Failure why) {
  missed(std::move(why));
  stage_ = Stage::failed;
  return Want::failed;
}

Failure Dialling::failure() const {
  Failure failure = failure_;
  failure.internal = to_.to_string() + ": " + failure.internal;
  return failure;
}

Result<Socket> dial(const Endpoint& to, const std::shared_ptr<const Tls>& tls, const Patience& patience) {
  Dialling dialling(to, tls, patience.until);
  for (;;) {
    const Want want = dialling.go_on();
    if (want == Want::nothing) return dialling.take();
    if (want == Want::failed) return dialling.failure();
    wait_for(dialling.fd(), want, {dialling.look_at(), patience.stop});
    if (!patience.stop.stop_requested()) continue;
    Failure failure = patience.ended();
    failure.internal = to.to_string() + ": " + failure.internal;
    return failure;
  }
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
