#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>

namespace nacre::net {

Peer::Connection::~Connection() { ::close(fd_); }

bool Peer::Connection::fill() {
  std::array<char, 4096> chunk;
  const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
  if (n <= 0) return false;
  input_.append(chunk.data(), static_cast<std::size_t>(n));
  return true;
}

std::optional<std::string> Peer::Connection::read_request() {
  std::size_t end;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  std::size_t size = end + 4;
  constexpr std::string_view kLength = "Content-Length: ";
  if (const auto at = input_.find(kLength); at < end) {
    std::size_t body = 0;
    std::from_chars(input_.data() + at + kLength.size(), input_.data() + end, body);
    size += body;
  }
  while (input_.size() < size) {
    if (!fill()) return std::nullopt;
  }
  std::string request = input_.substr(0, size);
  input_.erase(0, size);
  return request;
}

bool Peer::Connection::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Peer::Connection::answer(std::string_view body, std::string_view more_headers, std::string_view status) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\n").append(more_headers);
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return write(text);
}

void Peer::Connection::wait_until_closed() {
  while (fill()) input_.clear();
}

void Peer::Connection::shut_down() { ::shutdown(fd_, SHUT_RDWR); }

Peer::Peer(std::function<void(Connection&)> serve) : serve_(std::move(serve)), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd_, 512) != 0 ||
      ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::terminate();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept(); });
}

Peer::~Peer() {
  ::shutdown(fd_, SHUT_RDWR);
  acceptor_.join();
  ::close(fd_);
  for (auto& connection : connections_) connection.shut_down();
  for (auto& thread : threads_) thread.join();
}

void Peer::accept() {
  for (;;) {
    const int fd = ::accept(fd_, nullptr, nullptr);
    if (fd < 0) return;
    ++accepted_;
    Connection& connection = connections_.emplace_back(fd);
    threads_.emplace_back([this, &connection] {
      serve_(connection);
      connection.shut_down();
      ++ended_;
    });
  }
}

std::string Peer::url(std::string_view path) const {
  return std::string("http://127.0.0.1:").append(std::to_string(port_)).append(path);
}

std::function<void(Peer::Connection&)> always(std::string body) {
  return [body = std::move(body)](Peer::Connection& connection) {
    while (connection.read_request() && connection.answer(body)) {
    }
  };
}

}  // namespace nacre::net
