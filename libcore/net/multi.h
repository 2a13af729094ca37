#pragma once

#include <curl/curl.h>
#include <poll.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "fiber/reactor.h"
#include "net/http_client.h"
#include "net/transfer.h"

namespace nacre::net {

/// Libcurl's multi handle on the reactor. Fibers only put transfers into a queue; libcurl runs from tasks, timers and watches
/// of the loop, on its main stack. No timer is armed while no transfer is in progress, and idle connections are not watched, so
/// that they hold up no worker that wants to exit.
class Multi {
 public:
  Multi(Reactor& reactor, HttpOptions options);
  /// Ends all transfers and closes all connections.
  ~Multi();
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  bool full() const noexcept { return !multi_ || transfers_.size() >= options_.transfers; }
  void submit(std::shared_ptr<Transfer> transfer);
  /// Drops a transfer for which nobody waits any more, whether it has begun or not.
  void abandon(std::shared_ptr<Transfer> transfer);

 private:
  struct MultiDeleter {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
  };
  struct Socket {
    std::unique_ptr<Watch> watch;
    short events = 0;
  };

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept;
  static int on_timer(CURLM*, long milliseconds, void* self) noexcept;

  void change(std::shared_ptr<Transfer> transfer);
  void apply_changes();
  void start(Transfer& transfer);
  void remove(Transfer& transfer);
  void act(curl_socket_t fd, int ready);
  void act_again();
  void collect_finished();
  void look_again();

  Reactor& reactor_;
  HttpOptions options_;
  std::unordered_map<Transfer*, std::shared_ptr<Transfer>> transfers_;
  std::vector<std::shared_ptr<Transfer>> changed_;
  Task changing_{[this] { apply_changes(); }};
  std::unordered_map<curl_socket_t, Socket> sockets_;
  std::vector<curl_socket_t> touched_;  ///< sockets that libcurl may have left ready
  std::vector<pollfd> ready_;           ///< those that it did leave so
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Timer> again_;
  std::unique_ptr<CURLM, MultiDeleter> multi_;
};

}  // namespace nacre::net
