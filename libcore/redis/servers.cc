#include "redis/servers.h"

#include <algorithm>
#include <array>

namespace nacre::redis {

namespace {

constexpr std::array<std::string_view, 12> kPassing{"LOADING",    "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY",
                                                    "NOREPLICAS", "MISCONF",  "OOM",        "UNBLOCKED",   "MOVED",    "ASK"};

}  // namespace

Failure failure_of(const std::string& words) {
  const std::string_view code = std::string_view(words).substr(0, words.find(' '));
  const bool passes = std::find(kPassing.begin(), kPassing.end(), code) != kPassing.end();
  Failure failure(passes ? Error::unavailable : Error::internal);
  failure.internal = "redis: " + words;
  return failure;
}

bool is_demoted(const std::string& words) noexcept {
  return words.starts_with("READONLY ") || words.starts_with("MASTERDOWN ");
}

}  // namespace nacre::redis
