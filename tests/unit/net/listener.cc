#include "net/listener.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace nacre::net {

std::string Listener::Client::read() {
  std::array<char, 16384> chunk;
  const auto n = tls_ != nullptr ? SSL_read(tls_, chunk.data(), chunk.size()) : ::recv(fd_, chunk.data(), chunk.size(), 0);
  return n > 0 ? std::string(chunk.data(), static_cast<std::size_t>(n)) : std::string();
}

bool Listener::Client::write(std::string_view text) {
  if (tls_ != nullptr) return SSL_write(tls_, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

Listener::Listener(std::function<void(Client&)> serve) : Listener(std::move(serve), Options{}) {}

Listener::Listener(std::function<void(Client&)> serve, const Options& options) : serve_(std::move(serve)), path_(options.path) {
  if (!options.certificate.empty()) {
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate_chain_file(context_.get(), options.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), options.certificate.c_str(), SSL_FILETYPE_PEM);
    if (!options.client_ca.empty()) {
      SSL_CTX_load_verify_file(context_.get(), options.client_ca.c_str());
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
  }
  sockaddr_un local{};
  sockaddr_in remote{};
  local.sun_family = AF_UNIX;
  std::copy(path_.begin(), path_.end(), local.sun_path);
  remote.sin_family = AF_INET;
  remote.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const address = path_.empty() ? reinterpret_cast<sockaddr*>(&remote) : reinterpret_cast<sockaddr*>(&local);
  socklen_t size = path_.empty() ? sizeof(remote) : sizeof(local);
  fd_ = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(fd_, address, size) != 0 || ::listen(fd_, 64) != 0 || ::getsockname(fd_, address, &size) != 0) std::terminate();
  port_ = ntohs(remote.sin_port);
  thread_ = std::thread([this] { accept(); });
}

Listener::~Listener() {
  stopping_ = true;
  ::shutdown(fd_, SHUT_RDWR);
  if (const int fd = client_; fd >= 0) ::shutdown(fd, SHUT_RDWR);
  thread_.join();
  ::close(fd_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

void Listener::accept() {
  sigset_t pipe;  // OpenSSL writes to clients that are gone
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  for (;;) {
    const int fd = ::accept(fd_, nullptr, nullptr);
    if (fd < 0) return;
    ++accepted_;
    client_ = fd;
    if (stopping_) ::shutdown(fd, SHUT_RDWR);
    const std::unique_ptr<SSL, void (*)(SSL*)> tls(context_ ? SSL_new(context_.get()) : nullptr, &SSL_free);
    if (tls) SSL_set_fd(tls.get(), fd);
    if (!tls || SSL_accept(tls.get()) == 1) {
      Client client(fd, tls.get());
      serve_(client);
    } else {
      ++failed_;
    }
    ERR_clear_error();
    client_ = -1;
    ::close(fd);
  }
}

void echo(Listener::Client& client) {
  for (std::string text; !(text = client.read()).empty();) client.write(text);
}

}  // namespace nacre::net
