#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace nacre::net {

/// A server on 127.0.0.1 that does to each connection, on a thread of its own, what a test says.
class Peer {
 public:
  class Connection {
   public:
    explicit Connection(int fd) : fd_(fd) {}
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The next request with its body; nullopt when the client has closed.
    std::optional<std::string> read_request();
    /// False when the client has closed.
    bool write(std::string_view text);
    /// An answer with its Content-Length.
    bool answer(std::string_view body, std::string_view more_headers = "", std::string_view status = "200 OK");
    void wait_until_closed();
    void shut_down();

   private:
    bool fill();

    int fd_;
    std::string input_;
  };

  explicit Peer(std::function<void(Connection&)> serve);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  std::string url(std::string_view path = "/") const;
  int accepted() const noexcept { return accepted_; }
  int ended() const noexcept { return ended_; }  ///< connections that `serve` is done with

 private:
  void accept();

  std::function<void(Connection&)> serve_;
  int fd_;
  int port_;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> ended_ = 0;
  std::list<Connection> connections_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

/// Answers every request with `body`.
std::function<void(Peer::Connection&)> always(std::string body);

}  // namespace nacre::net
