#include "base/outages.h"

#include <algorithm>
#include <functional>

namespace nacre {

namespace {

std::uint64_t hash_of(std::string_view text) noexcept { return std::hash<std::string_view>()(text); }

}  // namespace

bool Outages::begin(std::string_view what, std::string_view why, bool first, Monotonic now) noexcept {
  const Reason wanted{hash_of(what), hash_of(why), static_cast<std::int64_t>(now)};
  const RobustLock locked(mutex_);
  std::size_t told = 0;
  bool known = false;
  for (Reason& reason : reasons_) {
    if (reason.what != wanted.what || reason.seen == 0 || wanted.seen - reason.seen >= kForgotten.count()) continue;
    reason.seen = wanted.seen;
    known = known || reason.why == wanted.why;
    ++told;
  }
  if (known || told >= kMostReasons || (told == 0 && !first)) return false;
  *std::ranges::min_element(reasons_, {}, &Reason::seen) = wanted;
  return true;
}

bool Outages::end(std::string_view what) noexcept {
  const std::uint64_t wanted = hash_of(what);
  const RobustLock locked(mutex_);
  bool told = false;
  for (Reason& reason : reasons_) {
    if (reason.what != wanted || reason.seen == 0) continue;
    reason.seen = 0;
    told = true;
  }
  return told;
}

}  // namespace nacre
