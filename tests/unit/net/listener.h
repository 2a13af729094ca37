#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/dial.h"

namespace nacre::net {

/// A server for tests, on 127.0.0.1 or a Unix socket, plain or TLS: it serves one client after another on one thread.
class Listener {
 public:
  /// One client, as a blocking stream.
  class Client {
   public:
    Client(int fd, SSL* tls) : fd_(fd), tls_(tls) {}
    /// What came next; empty when the client has closed.
    std::string read();
    bool write(std::string_view text);

   private:
    int fd_;
    SSL* tls_;
  };

  struct Options {
    std::string certificate{};  ///< PEM file with its key: speaks TLS
    std::string client_ca{};    ///< asks clients for a certificate of this authority
    std::string path{};         ///< a Unix socket
  };

  explicit Listener(std::function<void(Client&)> serve);
  Listener(std::function<void(Client&)> serve, const Options& options);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  Endpoint endpoint(const std::string& host = "127.0.0.1") const {
    return path_.empty() ? Endpoint{host, port_} : Endpoint{path_};
  }
  int accepted() const noexcept { return accepted_; }
  int failed_handshakes() const noexcept { return failed_; }

 private:
  void accept();

  std::function<void(Client&)> serve_;
  std::string path_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, &SSL_CTX_free};
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> client_ = -1;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> failed_ = 0;
  std::thread thread_;
};

/// Answers each line with itself.
void echo(Listener::Client& client);

}  // namespace nacre::net
