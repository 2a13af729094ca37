#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/robust_mutex.h"
#include "base/time.h"

namespace nacre::cache {

/// What a host knows of the tier that all hosts share: under which epoch to look there, and whether to look at all. In the
/// zone, so that it outlives workers and reloads.
///
/// The epoch is part of every key in that tier. A write that the tier could not be told of is a *mark*: nothing is looked at
/// there until a new epoch, begun after the mark, has put everything older out of reach. Nor is the tier used unless somebody
/// of this host has seen within kLongest that the epoch holds and that the tier takes writes: where it takes none, other hosts
/// can't tell it what they write.
class Trust {
 public:
  static constexpr Milliseconds kLongest{5'000};  ///< how late an epoch that another host began may be learned
  static constexpr Milliseconds kBetweenLooks{1'000};

  /// Prepares zeroed memory; once.
  void init() noexcept { mutex_.init(); }
  /// Before any process uses it: where all zones of one nginx count their marks, so that a zone which takes the place of
  /// another knows of its own.
  void share(std::atomic<std::uint64_t>& marks) noexcept { shared_marks_ = &marks; }

  /// The tier could not be told of a write.
  void mark() noexcept { marks().fetch_add(1); }
  /// There may be a new epoch: it must be learned before anything is looked at.
  void doubt() noexcept;

  /// The epoch to look under; 0 where the tier is not to be used.
  std::uint64_t epoch(Monotonic now) const noexcept;
  /// The last one that was learned, be it to be used or not; 0: none yet.
  std::uint64_t last_epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }
  /// Whether it is time to look whether the epoch still holds.
  bool due(Monotonic now) const noexcept;

  /// One look at the tier's epoch: of one worker at a time, so that what was seen first is never learned last.
  struct Look {
    std::uint64_t turn;
    std::uint64_t marks;  ///< that a new epoch now would make up for
    Monotonic began;
    bool raises;  ///< a new epoch is needed
  };
  /// nullopt while another worker looks, for `limit` at most: its look counts no more then.
  std::optional<Look> begin(Monotonic now, Milliseconds limit) noexcept;
  enum class Learned : std::uint8_t { same, other, too_late };
  /// `epoch` was seen or begun in a look.
  Learned learn(const Look& look, std::uint64_t epoch) noexcept;
  void give_up(const Look& look) noexcept;

  /// Whether the tier answers but takes no writes.
  bool refuses() const noexcept { return refuses_.load(); }
  /// True when that was not known yet.
  bool set_refuses(bool refuses) noexcept { return refuses_.exchange(refuses) != refuses; }

  /// The tier refused to pass on other hosts' messages, in its words (cut off); or does not any more, without words.
  void set_deafened(std::string_view words, Monotonic now) noexcept;
  /// These words, as long as the tier goes on to say so.
  std::string deafened(Monotonic now) const;

 private:
  std::atomic<std::uint64_t>& marks() noexcept { return shared_marks_ != nullptr ? *shared_marks_ : own_marks_; }
  bool marked() const noexcept { return const_cast<Trust*>(this)->marks().load() != settled_.load(std::memory_order_acquire); }

  mutable RobustMutex
      mutex_;  ///< of what a look changes; one that died in it left nothing that the next look does not set right
  std::uint64_t turn_;
  std::int64_t looking_until_;
  std::atomic<std::uint64_t> epoch_;
  std::atomic<std::int64_t> confirmed_;  ///< when the last look began that saw it; 0: to be looked at
  std::atomic<std::uint64_t> settled_;   ///< marks that an epoch was begun after
  std::atomic<std::uint64_t>* shared_marks_;
  std::atomic<std::uint64_t> own_marks_;
  std::atomic<bool> refuses_;
  std::int64_t deafened_at_;
  std::size_t deafened_size_;
  std::array<char, 160> deafened_;
};

}  // namespace nacre::cache
