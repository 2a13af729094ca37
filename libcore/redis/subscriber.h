#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "net/connection.h"
#include "redis/resp.h"

namespace nacre::redis {

/// What wants to hear messages.
struct Listener {
  std::vector<std::string> channels;
  std::function<void(std::string_view channel, std::string_view message)> on_message;
  /// Called with false when messages may be missed from now on, and with true when they are heard (again): whatever was
  /// published between is lost. At first they are not heard. The longest time that messages may be missed without it being
  /// known is that of `net::ConnectionOptions::silence`, and half a second more.
  std::function<void(bool heard)> on_heard{};
  /// Called with the server's words when it refuses the subscription, and with none when it takes it.
  std::function<void(std::string_view words)> on_refused{};
};

/// A connection for messages. Subscribes again whenever it was lost, and asks for a sign of life while it hears nothing.
/// Everything is called on the main stack.
class Subscriber {
 public:
  Subscriber(Reactor& reactor, net::Threads& threads, net::ConnectionBase::Dial dial, const net::ConnectionOptions& options,
             const Log& log, const std::string& name, Listener listener);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  bool heard() const noexcept { return heard_; }

 private:
  /// Messages answer no command; all else that comes does.
  struct Codec : Resp {
    template <class Sink>
    bool take(std::span<const char> bytes, Sink& sink) {
      const auto sort = [&](Reply&& reply) {
        if (subscriber == nullptr || subscriber->take(reply)) sink(std::move(reply));
      };
      return Resp::take(bytes, sort);
    }
    Subscriber* subscriber = nullptr;
  };

  bool take(const Reply& reply);
  void refuse(const std::string& words);
  void on_change();
  void look();
  void set_heard(bool heard);

  Reactor& reactor_;
  const Listener listener_;
  Outage outage_;
  std::size_t missing_ = 0;  ///< channels that are not confirmed
  bool heard_ = false;
  std::unique_ptr<Timer> timer_;
  net::Connection<Codec> connection_;
};

}  // namespace nacre::redis
