#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace nacre::redis {

/// Tells operators of an outage once, and of its end.
class Outage {
 public:
  using Log = std::function<void(std::string_view line)>;

  Outage(std::string what, Log log) : what_(std::move(what)), log_(std::move(log)) {}

  void lost(const std::string& why) { tell(true, " is away: " + why); }
  void back() { tell(false, " is back"); }

 private:
  void tell(bool away, const std::string& text) {
    if (std::exchange(away_, away) != away && log_) log_(what_ + text);
  }

  std::string what_;
  Log log_;
  bool away_ = false;
};

}  // namespace nacre::redis
