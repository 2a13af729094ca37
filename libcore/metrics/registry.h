#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/robust_mutex.h"
#include "metrics/families.h"

namespace nacre::metrics {

using Cell = std::atomic<std::uint64_t>;
static_assert(Cell::is_always_lock_free);

/// A number that only grows. Copies count on the same number.
class Counter {
 public:
  Counter() = default;  ///< counts nothing
  explicit Counter(Cell* cell) noexcept : cell_(cell) {}
  void add(std::uint64_t by = 1) const noexcept {
    if (cell_ != nullptr) cell_->fetch_add(by, std::memory_order_relaxed);
  }

 private:
  Cell* cell_ = nullptr;
};

/// How durations are spread.
class Histogram {
 public:
  /// Upper bounds (inclusive); a further bucket takes the rest. Prometheus' defaults, extended down to 10 µs.
  static constexpr std::array<std::chrono::nanoseconds::rep, 19> kBounds{
      10'000,      25'000,        50'000,        100'000,       250'000,       500'000,     1'000'000,
      2'500'000,   5'000'000,     10'000'000,    25'000'000,    50'000'000,    100'000'000, 250'000'000,
      500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};
  static constexpr std::size_t kBuckets = kBounds.size() + 1;
  static constexpr std::size_t kCells = kBuckets + 1;  ///< the last one is the sum, in nanoseconds

  Histogram() = default;  ///< counts nothing
  explicit Histogram(Cell* cells) noexcept : cells_(cells) {}
  void observe(std::chrono::nanoseconds time) const noexcept;

 private:
  Cell* cells_ = nullptr;
};

/// What series take, in bytes: their texts, and their numbers in each stripe.
struct Room {
  std::size_t texts = 0;
  std::size_t cells = 0;

  void add(const Family& family, std::size_t labels_size) noexcept;
  /// In a registry's memory of this size.
  bool fits(std::size_t memory) const noexcept;
};

/// Counters and histograms in the zone, one set for all workers: they stay right when a worker dies, and over reloads, when
/// old and new workers count side by side and the new ones have other routes.
///
/// A series (a family with label values) is appended once and never moves. Its numbers stand in as many stripes as there is
/// room for; a worker counts in one of them, so that workers on different processors do not share a cache line, and what is
/// shown is the sum. A series for which there is no room counts nothing, which is counted.
class Registry {
 public:
  /// Prepares zeroed memory (aligned to 64 bytes); once, before any worker runs. `expected`: what will be asked for; there are
  /// as many stripes as there is memory for so much.
  static void format(std::span<std::byte> memory, Room expected = {}) noexcept;

  /// For one worker, by its number. `memory` was formatted and outlives this and all counters.
  Registry(std::span<std::byte> memory, std::uint32_t worker) noexcept;

  /// The series of these label values, one for each label of the family. Takes a lock and searches: resolve once, keep it.
  Counter counter(const Family& family, std::initializer_list<std::string_view> values);
  Histogram histogram(const Family& family, std::initializer_list<std::string_view> values);

  /// A series as it is stored.
  struct Series {
    std::uint32_t size;  ///< of this, the texts and the padding behind them
    std::uint32_t cell;
    std::uint32_t family_size, labels_size;

    std::string_view family() const noexcept { return {reinterpret_cast<const char*>(this + 1), family_size}; }
    std::string_view labels() const noexcept { return {family().data() + family_size, labels_size}; }
  };

  /// Calls `visit` with each series, in the order of their first use.
  template <class Visit>
  void each(Visit visit) const {
    const std::uint32_t end = layout_.used.load(std::memory_order_acquire);
    for (std::uint32_t at = 0; at < end;) {
      const Series& series = *reinterpret_cast<const Series*>(texts() + at);
      visit(series);
      at += series.size;
    }
  }
  /// Number `index` of a series, added up over the stripes.
  std::uint64_t value(const Series& series, std::size_t index = 0) const noexcept;
  /// Series that found no room.
  std::uint64_t lost() const noexcept { return layout_.lost.load(std::memory_order_relaxed); }

 private:
  struct Layout {
    RobustMutex mutex;  ///< of appending
    std::uint32_t text_size;
    std::uint32_t stripes, cells;     ///< cells in a stripe
    std::atomic<std::uint32_t> used;  ///< bytes of texts; published last, so a process that dies in appending leaves no trace
    std::uint32_t used_cells;
    Cell lost;
  };

  friend struct Room;
  static std::size_t texts_of(std::size_t memory) noexcept;
  static std::size_t cells_of(std::size_t memory) noexcept;
  Cell* resolve(const Family& family, std::initializer_list<std::string_view> values, std::uint32_t cells);
  const Series* find(std::string_view family, std::string_view labels) const noexcept;
  std::byte* texts() const noexcept { return reinterpret_cast<std::byte*>(&layout_ + 1); }
  Cell* stripe(std::uint32_t index) const noexcept;

  Layout& layout_;
  std::uint32_t stripe_;
};

/// `name="value",…`, escaped for the text format.
std::string format_labels(const Family& family, std::span<const std::string_view> values);

}  // namespace nacre::metrics
