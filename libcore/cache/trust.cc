#include "cache/trust.h"

#include <algorithm>

namespace nacre::cache {

void Trust::doubt() noexcept {
  const RobustLock locked(mutex_);
  ++turn_;  // a look under way may have seen what was before
  looking_until_ = 0;
  confirmed_.store(0);
}

std::uint64_t Trust::epoch(Monotonic now) const noexcept {
  // In this order: whoever sees a mark settled sees the epoch that settled it.
  if (marked()) return 0;
  const std::int64_t confirmed = confirmed_.load(std::memory_order_acquire);
  if (confirmed == 0 || static_cast<std::int64_t>(now) - confirmed >= kLongest.count()) return 0;
  return last_epoch();
}

bool Trust::due(Monotonic now) const noexcept {
  return marked() || static_cast<std::int64_t>(now) - confirmed_.load() >= kBetweenLooks.count();
}

std::optional<Trust::Look> Trust::begin(Monotonic now, Milliseconds limit) noexcept {
  const RobustLock locked(mutex_);
  if (static_cast<std::int64_t>(now) < looking_until_) return std::nullopt;
  looking_until_ = static_cast<std::int64_t>(now + limit);
  const std::uint64_t seen = marks().load();
  return Look{.turn = ++turn_, .marks = seen, .began = now, .raises = seen != settled_.load()};
}

Trust::Learned Trust::learn(const Look& look, std::uint64_t epoch) noexcept {
  const RobustLock locked(mutex_);
  if (turn_ != look.turn) return Learned::too_late;
  looking_until_ = 0;
  const bool other = epoch_.exchange(epoch) != epoch;
  confirmed_.store(std::max<std::int64_t>(static_cast<std::int64_t>(look.began), 1), std::memory_order_release);
  settled_.store(look.marks, std::memory_order_release);
  return other ? Learned::other : Learned::same;
}

void Trust::give_up(const Look& look) noexcept {
  const RobustLock locked(mutex_);
  if (turn_ == look.turn) looking_until_ = 0;
}

void Trust::set_deafened(std::string_view words, Monotonic now) noexcept {
  const RobustLock locked(mutex_);
  deafened_size_ = words.copy(deafened_.data(), deafened_.size());
  deafened_at_ = static_cast<std::int64_t>(now);
}

std::string Trust::deafened(Monotonic now) const {
  const RobustLock locked(mutex_);
  if (static_cast<std::int64_t>(now) - deafened_at_ >= kLongest.count()) return {};
  return {deafened_.data(), deafened_size_};
}

}  // namespace nacre::cache
