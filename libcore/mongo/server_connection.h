#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "mongo/handshake.h"
#include "mongo/message.h"
#include "mongo/target.h"
#include "net/connection.h"
#include "net/threads.h"

namespace nacre::mongo {

/// How a worker's connections are made. What it refers to must outlive them.
struct Connector {
  Reactor& reactor;
  net::Threads& threads;
  const Target target;
  const Role role;
  const net::ConnectionOptions options;

  /// `call_timeout`: how long a command may take.
  Connector(Reactor& loop, net::Threads& dialling, Target to, Role wanted, Milliseconds call_timeout);
  std::function<void()> on_open{};  ///< one of them is open

  /// The same, to the server at `address` alone.
  Connector(const Connector& other, const std::string& address);
};

/// What connections tell.
struct Listeners {
  Log log{};                                                ///< for operators
  std::function<void(std::chrono::nanoseconds)> on_wait{};  ///< how long a fiber waited for a connection
  /// A primary that another one had replaced without its knowing may have been read from until now.
  std::function<void()> on_stale{};
};

/// One connection, and the server at its other end. A lost one is made anew, by asking libmongoc for the server of the role
/// again. Must not be destroyed from its own callbacks.
class ServerConnection {
 public:
  /// Begins to connect, from the loop: threads are not started on a fiber's stack.
  explicit ServerConnection(const Connector& connector);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  bool is_usable() const noexcept { return connection_.state() == net::ConnectionBase::State::open && !dismissed_; }
  const Server& server() const noexcept { return server_; }
  net::Connection<Codec>& connection() noexcept { return connection_; }
  const net::Connection<Codec>& connection() const noexcept { return connection_; }
  Sequence& sequence() noexcept { return *sequence_; }

  /// Its server has the role no more: it takes no more commands, is closed when it has answered what it was given, or soon, and
  /// is made anew.
  void dismiss(const std::string& why);
  /// The same where its server was the primary, and another was elected after it. False: it is not so, or was before.
  bool dismiss_stale();
  /// The same for one whose server is still good for what it was given: that is waited for.
  void leave(const std::string& why);

  bool is_outdated() const noexcept { return outdated_; }
  /// Another server is to be used, once there is a connection to it.
  void outdate() noexcept { outdated_ = true; }

  std::function<void()> on_change;  ///< it became usable, or is not any more
  std::function<void()> on_quiet;   ///< as of net::Connection

 private:
  struct Handover {
    std::mutex mutex;
    Server server;
  };

  void changed();
  void dismiss(const std::string& why, Milliseconds patience);
  void retire();

  Reactor& reactor_;
  const std::shared_ptr<const Members> members_;
  const std::function<void()> on_open_;
  const std::shared_ptr<Handover> handover_ = std::make_shared<Handover>();  // from the connecting thread
  const std::shared_ptr<Sequence> sequence_ = std::make_shared<Sequence>();
  Server server_;
  bool dismissed_ = false;
  bool outdated_ = false;
  std::string dismissed_why_;
  Monotonic dismissed_until_{};
  std::unique_ptr<Timer> retiring_;
  net::Connection<Codec> connection_;
  Task opening_{[this] { connection_.open(); }};
};

}  // namespace nacre::mongo
