#include "base/last_write.h"

namespace nacre {

/// What a process that died in here left half done counts for nothing.
class LastWrite::Locked : RobustLock {
 public:
  explicit Locked(LastWrite& last) noexcept : RobustLock(last.mutex_) {
    if (left_by_dead()) last.moment_ = 0;
  }
};

void LastWrite::note(std::uint64_t store, std::uint64_t moment, std::string_view proof) noexcept {
  if (proof.size() > proof_.size()) return;
  const Locked locked(*this);
  if (store_ == store && moment_ >= moment) return;
  store_ = store;
  size_ = proof.copy(proof_.data(), proof_.size());
  moment_ = moment;
}

void LastWrite::forget(std::uint64_t store) noexcept {
  const Locked locked(*this);
  if (store_ == store) moment_ = 0;
}

std::uint64_t LastWrite::later(std::uint64_t store, std::uint64_t than, std::string& proof) noexcept {
  const Locked locked(*this);
  if (store_ != store || moment_ <= than) return 0;
  proof.assign(proof_.data(), size_);
  return moment_;
}

}  // namespace nacre
