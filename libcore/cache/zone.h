#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace nacre::cache {

/// A finished answer: its body and the validators it is sent with.
struct Entry {
  std::string body;
  std::string etag;  ///< with its quotes
  std::optional<Timestamp> last_modified;
};

enum class Freshness : std::uint8_t { fresh, stale };

struct Hit {
  Entry entry;
  Freshness freshness = Freshness::fresh;
  Milliseconds age{};  ///< since it was filled
};

/// The moment before a read of the store: what is filled under it is dropped when the subject was written since.
struct Ticket {
  std::uint64_t generation = 0;
};

/// The shared-memory tier: one copy for all workers of a host, in memory that the adapter maps before it forks.
///
/// Keys belong to a *subject* (a document, or all lists of a resource). Invalidation counts the subject's generation up, so it
/// takes no lock and can't be lost; an entry counts only under the generation that it was filled in. A writer calls
/// `invalidate` before it writes and again after the commit: a reader that started in between can't leave the old state behind.
///
/// A process may be killed at any instruction: locks are robust, and a shard whose owner died inside it starts empty.
class Zone {
 public:
  /// Formats fresh memory. `memory` is page-aligned, zeroed and at least `kMinimumSize`.
  static Zone& format(std::span<std::byte> memory);
  /// Memory that an earlier configuration formatted; nullptr when it is of another layout or size.
  static Zone* attach(std::span<std::byte> memory) noexcept;
  static constexpr std::size_t kMinimumSize = 1U << 20U;

  /// Looks up, and marks as used. Expired (past `stale`) and invalidated entries are not found.
  std::optional<Hit> find(std::string_view key, std::string_view subject, Monotonic now);
  Ticket ticket(std::string_view subject) const noexcept;
  /// Stores, evicting the least recently used. False when it was dropped: invalidated since `ticket`, or too large.
  bool fill(std::string_view key, std::string_view subject, Ticket ticket, const Entry& entry, Milliseconds ttl,
            Milliseconds stale, Monotonic now);
  void invalidate(std::string_view subject) noexcept;
  /// Invalidates everything: after a worker died, which may have written without telling.
  void invalidate_all() noexcept;

  /// Single flight: true when the caller is now the one to read the store for `key`, until `release` or `lease` has passed.
  bool try_lead(std::string_view key, Milliseconds lease, Monotonic now);
  void release(std::string_view key) noexcept;

  /// Small values that must not be dropped by entries: counters and marks. Error::overloaded when their part is full.
  Result<std::int64_t> increment(std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl, Monotonic now);
  Result<std::optional<std::string>> get(std::string_view key, Monotonic now);
  Result<void> put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl, Monotonic now);
  /// True when it was absent and is now set.
  Result<bool> put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl, Monotonic now);
  Result<bool> erase(std::string_view key, Monotonic now);

  /// A worker's slot, by its number: `enter` tells whether the previous holder left without `leave`, that is, died.
  bool enter(std::uint32_t worker) noexcept;
  void leave(std::uint32_t worker) noexcept;

  struct Usage {
    std::uint64_t entries, bytes, capacity, evictions, values, resets;
  };
  Usage usage() const noexcept;

  /// Memory in the zone for the metrics (metrics/), zeroed when formatted.
  std::span<std::byte> metrics() noexcept;

 private:
  Zone() = default;
};

}  // namespace nacre::cache
