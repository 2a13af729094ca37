#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacre::redis {

/// Tells operators of an outage, of other reasons for it that come up, up to a few, and of its end.
class Outage {
 public:
  using Log = std::function<void(std::string_view line)>;

  Outage(std::string what, Log log) : what_(std::move(what)), log_(std::move(log)) {}

  void lost(const std::string& why) {
    if (told_.size() == kMostReasons || std::find(told_.begin(), told_.end(), why) != told_.end()) return;
    told_.push_back(why);
    if (log_) log_(what_ + " is away: " + why);
  }
  void back() {
    if (!std::exchange(told_, {}).empty() && log_) log_(what_ + " is back");
  }

 private:
  static constexpr std::size_t kMostReasons = 3;

  std::string what_;
  Log log_;
  std::vector<std::string> told_;  ///< reasons, since it was last there
};

}  // namespace nacre::redis
