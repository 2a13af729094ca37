#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "net/socket.h"

/// Connecting: what blocks (name look-up, TCP and TLS handshakes), for the threads of net/threads.h only.
namespace nacre::net {

/// Where a server listens. A host that begins with `/` is the path of a Unix socket.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  bool is_unix() const noexcept { return host.starts_with('/'); }
  std::string to_string() const;  ///< `host:port`, `[::1]:port`, or the path
  bool operator==(const Endpoint&) const = default;
};

/// Error::unavailable, with the reason for operators.
Failure unavailable(std::string why);

/// How long a connecting thread may take, and whether anybody still wants what it makes.
struct Patience {
  Monotonic until;
  std::stop_token stop{};

  bool is_over() const noexcept { return stop.stop_requested() || monotonic_now() >= until; }
  /// The failure to give once it has ended: Error::deadline or Error::cancelled.
  Failure ended() const;
};

/// A connection that is being made, with TCP_NODELAY and keepalive, over TLS when `tls` is given: step by step, so that one
/// thread can make several side by side. Tries the addresses of the name one after another; each gets its share of the time.
class Dialling {
 public:
  /// Looks the name up, which alone blocks. Nothing is left to try from `until` on.
  Dialling(const Endpoint& to, std::shared_ptr<const Tls> tls, Monotonic until);
  ~Dialling();
  Dialling(const Dialling&) = delete;
  Dialling& operator=(const Dialling&) = delete;

  /// Goes on as far as it can without waiting. Want::nothing: it is connected; Want::failed: it can't be. Else to be called
  /// again when the descriptor is ready for that, and at `look_at`.
  Want go_on();
  int fd() const noexcept { return socket_.fd(); }
  Monotonic look_at() const noexcept { return share_until_; }
  /// The socket, once it is connected.
  Socket take() noexcept { return std::move(socket_); }
  /// Why it failed: Error::unavailable, with the reason for operators; Error::deadline.
  Failure failure() const;

 private:
  struct Address;
  enum class Stage : std::uint8_t { between, connecting, securing, done, failed };

  void look_up();
  void begin_next();
  void connect(const Address& address);
  void missed(Failure why);
  Want refused(Failure why);

  const Endpoint to_;
  const std::shared_ptr<const Tls> tls_;
  const Monotonic until_;
  std::vector<Address> addresses_;
  std::size_t next_ = 0;
  Stage stage_ = Stage::between;
  Monotonic share_until_{};
  Socket socket_;
  Failure failure_;
};

/// A connected socket, as of Dialling. Error::unavailable, whose `internal` says why; Error::deadline, Error::cancelled. A name
/// look-up alone can't be cut short.
Result<Socket> dial(const Endpoint& to, const std::shared_ptr<const Tls>& tls, const Patience& patience);

/// Waits on the calling thread until a descriptor is ready; false when patience has ended.
bool wait_for(int fd, Want want, const Patience& patience) noexcept;

/// Blocking calls on a non-blocking socket, for the words that open a conversation. Errors as of `dial`.
Result<void> write_all(Socket& socket, std::span<const char> bytes, const Patience& patience);
/// At least one byte.
Result<std::size_t> read_some(Socket& socket, std::span<char> to, const Patience& patience);

}  // namespace nacre::net
