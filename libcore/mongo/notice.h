#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace nacre::mongo {

/// Tells operators of what lasts, once a minute.
class Notice {
 public:
  explicit Notice(std::function<void(std::string_view line)> log) : log_(std::move(log)) {}

  void say(const std::string& line, Monotonic now) {
    constexpr Seconds kPause{60};
    if (!log_ || (said_ && now - *said_ < kPause)) return;
    said_ = now;
    log_(line);
  }

 private:
  std::function<void(std::string_view line)> log_;
  std::optional<Monotonic> said_{};
};

}  // namespace nacre::mongo
