#include "mongo/members.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace nacre::mongo {
namespace {

/// cooldownMS of
/// https://github.com/mongodb/specifications/blob/master/source/server-discovery-and-monitoring/server-discovery-and-monitoring.md
constexpr Milliseconds kCooldown{5'000};
constexpr std::int64_t kElectionFirst = 17;  // a wire version: MongoDB 6.0

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

Members::Claim Members::note_claim(const Election& election) {
  const std::lock_guard lock(mutex_);
  if (is_before_last(election)) return Claim::stale;
  const bool first = last_.id.empty() && last_.set_version < 0;
  if (election.wire_version >= kElectionFirst) {
    last_ = election;
  } else {
    if (!election.id.empty() && election.set_version >= 0) last_.id = election.id;
    last_.set_version = std::max(last_.set_version, election.set_version);
  }
  return first ? Claim::first : Claim::current;
}

bool Members::is_stale(const Election& election) const {
  const std::lock_guard lock(mutex_);
  return is_before_last(election);
}

bool Members::is_before_last(const Election& election) const {
  if (election.wire_version >= kElectionFirst) {
    return std::tie(election.id, election.set_version) < std::tie(last_.id, last_.set_version);
  }
  const auto is_whole = [](const Election& one) { return !one.id.empty() && one.set_version >= 0; };
  return is_whole(election) && is_whole(last_) &&
         std::tie(election.set_version, election.id) < std::tie(last_.set_version, last_.id);
}

std::string Members::next_reader() {
  const std::lock_guard lock(mutex_);
  if (readers_.empty()) return {};
  const std::string& next = readers_[turn_++ % readers_.size()];
  return is_silent_now(next) ? std::string() : next;
}

void Members::note_readers(std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex_);
  readers_ = std::move(addresses);
}

}  // namespace nacre::mongo
