#include "config/findings.h"

#include <algorithm>

namespace nacre::config {
namespace {

constexpr std::size_t kMostTold = 20;

/// Each once, since an alias's value may be read several times, and the rest as a number.
std::vector<std::string> told(std::vector<std::string> messages, std::string_view kind) {
  std::vector<std::string> result;
  for (auto& message : messages) {
    if (std::find(result.begin(), result.end(), message) == result.end()) result.push_back(std::move(message));
  }
  if (result.size() <= kMostTold) return result;
  auto last = "and " + std::to_string(result.size() - kMostTold) + " more " + std::string(kind);
  result.resize(kMostTold);
  result.push_back(std::move(last));
  return result;
}

}  // namespace

void Findings::refuse_mistakes() {
  if (!mistakes_.empty()) throw LoadError(told(std::exchange(mistakes_, {}), "mistakes"));
}

std::vector<std::string> Findings::take_warnings() { return told(std::exchange(warnings_, {}), "warnings"); }

}  // namespace nacre::config
