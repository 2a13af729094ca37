#include "net/socket.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace nacre::net {

Socket::Socket(int fd, Tls::Session session) noexcept : fd_(fd), session_(std::move(session)) {}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      errno_(other.errno_),
      tls_error_(other.tls_error_),
      broken_(other.broken_),
      session_(std::move(other.session_)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  errno_ = other.errno_;
  tls_error_ = other.tls_error_;
  broken_ = other.broken_;
  session_ = std::move(other.session_);
  return *this;
}

Socket::~Socket() { close(); }

void Socket::close() noexcept {
  if (session_ != nullptr && !broken_ && SSL_is_init_finished(session_.get()) != 0) {
    SSL_shutdown(session_.get());
    ERR_clear_error();
  }
  session_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Want Socket::want_of(int result) noexcept {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_NONE:
      return Want::nothing;
    case SSL_ERROR_WANT_READ:
      return Want::readable;
    case SSL_ERROR_WANT_WRITE:
      return Want::writable;
    case SSL_ERROR_ZERO_RETURN:
      errno_ = 0;
      return Want::closed;
    case SSL_ERROR_SYSCALL:
      errno_ = errno;
      broken_ = true;
      return errno_ == 0 ? Want::closed : Want::failed;  // 0: without the goodbye of TLS, as when it is killed
    default:
      tls_error_ = ERR_peek_last_error();
      ERR_clear_error();
      broken_ = true;
      return Want::failed;
  }
}

Want Socket::handshake() noexcept {
  if (session_ == nullptr) return Want::nothing;
  ERR_clear_error();
  errno = 0;
  return want_of(SSL_do_handshake(session_.get()));
}

Moved Socket::read(std::span<char> to) noexcept {
  if (session_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    const int n = SSL_read(session_.get(), to.data(), static_cast<int>(std::min<std::size_t>(to.size(), INT_MAX)));
    return n > 0 ? Moved{static_cast<std::size_t>(n), Want::nothing} : Moved{0, want_of(n)};
  }
  ssize_t n;
  do {
    n = ::recv(fd_, to.data(), to.size(), 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return {static_cast<std::size_t>(n), Want::nothing};
  errno_ = n == 0 ? 0 : errno;
  if (n == 0) return {0, Want::closed};
  return {0, errno_ == EAGAIN ? Want::readable : Want::failed};
}

Moved Socket::write(std::span<const char> from) noexcept {
  if (session_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    const int n = SSL_write(session_.get(), from.data(), static_cast<int>(std::min<std::size_t>(from.size(), INT_MAX)));
    return n > 0 ? Moved{static_cast<std::size_t>(n), Want::nothing} : Moved{0, want_of(n)};
  }
  ssize_t n;
  do {
    n = ::send(fd_, from.data(), from.size(), MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return {static_cast<std::size_t>(n), Want::nothing};
  errno_ = errno;
  return {0, errno_ == EAGAIN ? Want::writable : Want::failed};
}

bool Socket::has_buffered() const noexcept { return session_ != nullptr && SSL_pending(session_.get()) > 0; }

std::string Socket::failure() const {
  if (session_ != nullptr && tls_error_ != 0) {
    std::string text = "TLS: ";
    if (const long verified = SSL_get_verify_result(session_.get()); verified != X509_V_OK) {
      return text + X509_verify_cert_error_string(verified);
    }
    const char* const reason = ERR_reason_error_string(tls_error_);
    return text + (reason != nullptr ? reason : "broken");
  }
  return errno_ == 0 ? "closed by the peer" : std::strerror(errno_);
}

}  // namespace nacre::net
