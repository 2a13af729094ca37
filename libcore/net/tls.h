#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace nacre::net {

/// How the peers of one URI are met over TLS.
struct TlsOptions {
  std::string ca_file{};           ///< PEM file of trusted certificates; empty: the system's
  std::string certificate_file{};  ///< PEM file of the client's chain; may hold its key as well
  std::string key_file{};          ///< PEM file; empty: in `certificate_file`
  std::string key_password{};
  bool verify_certificate = true;  ///< false accepts any peer
  bool verify_name = true;         ///< false accepts any name in a trusted certificate
};

/// TLS 1.2 or later as a client. Files are read and checked once, when the configuration is loaded, and shared by all
/// connections made under it: a reload reads them again, and a worker needs no right to read a key.
class Tls {
 public:
  /// Error::internal, whose `internal` says what is wrong with which file.
  static Result<std::shared_ptr<const Tls>> make(const TlsOptions& options);

  struct SslDeleter {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  using Session = std::unique_ptr<SSL, SslDeleter>;

  /// A session over `fd`, which stays its caller's, not shaken hands yet. `host` is what the certificate must be for: a name
  /// (sent as SNI, RFC 6066 §3) or an address. nullptr without memory. On any thread.
  Session session(int fd, const std::string& host) const;

 private:
  struct ContextDeleter {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  Tls() = default;

  std::unique_ptr<SSL_CTX, ContextDeleter> context_;
  bool verify_name_ = true;
};

}  // namespace nacre::net
