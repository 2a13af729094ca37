#include "redis/servers.h"

#include <algorithm>
#include <array>

namespace nacre::redis {

namespace {

constexpr std::array<std::string_view, 12> kPassing{"LOADING",    "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY",
                                                    "NOREPLICAS", "MISCONF",  "OOM",        "UNBLOCKED",   "MOVED",    "ASK"};

constexpr std::array<std::string_view, 5> kAgainstWrites{"READONLY", "BUSY", "NOREPLICAS", "MISCONF", "OOM"};

bool is_among(std::span<const std::string_view> codes, std::string_view code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

Failure failure_of(const std::string& words) {
  const std::string_view code = std::string_view(words).substr(0, words.find(' '));
  Failure failure(is_among(kPassing, code) ? Error::unavailable : Error::internal);
  if (is_among(kAgainstWrites, code)) failure.detail = kTakesNoWrites;
  failure.internal = "redis: " + words;
  return failure;
}

bool refused(const Failure& failure) noexcept { return failure.error == Error::internal || failure.detail == kTakesNoWrites; }

bool is_demoted(const std::string& words) noexcept {
  return words.starts_with("READONLY ") || words.starts_with("MASTERDOWN ");
}

}  // namespace nacre::redis
