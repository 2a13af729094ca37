#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "net/tls.h"

namespace nacre::net {

/// What a socket that could not go on waits for.
enum class Want : std::uint8_t {
  nothing,  ///< it moved bytes
  readable,
  writable,
  closed,  ///< by the peer
  failed,
};

struct Moved {
  std::size_t bytes = 0;
  Want want = Want::nothing;
};

/// A connected stream socket that never blocks, plain or TLS. Belongs to one thread at a time. A TLS socket may ask to become
/// readable in order to write, and the other way round.
class Socket {
 public:
  Socket() = default;
  /// Takes `fd`, which is non-blocking and close-on-exec, and a session on it, if any.
  explicit Socket(int fd, Tls::Session session = nullptr) noexcept;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  /// Goes on with the TLS handshake; Want::nothing once it is done, or when there is none to do.
  Want handshake() noexcept;
  Moved read(std::span<char> to) noexcept;
  /// Sends as much as fits now; never raises SIGPIPE. What it could not send must be the first of what it is given next.
  Moved write(std::span<const char> from) noexcept;

  /// Bytes that TLS has decrypted and `read` has not fetched: the descriptor says nothing of them.
  bool has_buffered() const noexcept;
  bool is_tls() const noexcept { return session_ != nullptr; }
  int fd() const noexcept { return fd_; }
  bool is_open() const noexcept { return fd_ >= 0; }
  /// Starts TLS on a plain socket; `handshake` comes next.
  void secure(Tls::Session session) noexcept { session_ = std::move(session); }
  /// Says goodbye over TLS, if that can be done at once.
  void close() noexcept;
  /// Why the last call said `closed` or `failed`, for operators.
  std::string failure() const;

 private:
  Want want_of(int result) noexcept;

  int fd_ = -1;
  int errno_ = 0;
  unsigned long tls_error_ = 0;
  bool broken_ = false;
  Tls::Session session_;
};

}  // namespace nacre::net
