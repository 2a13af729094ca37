#include "mongo/members.h"

namespace nacre::mongo {
namespace {

/// cooldownMS of
/// https://github.com/mongodb/specifications/blob/master/source/server-discovery-and-monitoring/server-discovery-and-monitoring.md
constexpr Milliseconds kCooldown{5'000};

}  // namespace

bool Members::is_silent(const std::string& address) const {
  const std::lock_guard lock(mutex_);
  return is_silent_now(address);
}

bool Members::is_silent_now(const std::string& address) const {
  const auto found = silent_until_.find(address);
  return found != silent_until_.end() && monotonic_now() < found->second;
}

void Members::note_silent(const std::string& address) {
  const std::lock_guard lock(mutex_);
  silent_until_[address] = monotonic_now() + kCooldown;
}

void Members::note_answer(const std::string& address) {
  const std::lock_guard lock(mutex_);
  silent_until_.erase(address);
}

void Members::forget() {
  const std::lock_guard lock(mutex_);
  silent_until_.clear();
}

std::string Members::primary() const {
  const std::lock_guard lock(mutex_);
  return is_silent_now(primary_) ? std::string() : primary_;
}

void Members::note_primary(const std::string& address) {
  const std::lock_guard lock(mutex_);
  primary_ = address;
}

}  // namespace nacre::mongo
