#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/keyed_hash.h"
#include "base/last_write.h"
#include "base/outages.h"
#include "base/robust_mutex.h"
#include "base/time.h"
#include "cache/block_table.h"
#include "cache/generations.h"
#include "cache/leases.h"
#include "cache/succession.h"
#include "cache/trust.h"
#include "cache/worker_slots.h"
#include "http/representation.h"

namespace nacre::cache {

/// A finished answer.
using Entry = http::Representation;

enum class Freshness : std::uint8_t {
  fresh,
  due,    ///< fresh by its own rule, but other hosts may know better: the tier behind is to be asked
  stale,  ///< may be served while it is renewed, or while the store is away
};

/// How long an entry is good, from the moment when it was filled from the store.
struct Lifetime {
  Milliseconds ttl;
  Milliseconds stale;
  Milliseconds age{};                        ///< since then, where the entry came from the tier behind
  Milliseconds local = Milliseconds::max();  ///< from now on, until the tier behind is to be asked
};

struct Hit {
  Freshness freshness = Freshness::fresh;
  Milliseconds age{};  ///< since it was filled
};

/// The moment before a read of the store: what is filled under it is dropped when the subject was written since.
struct Ticket {
  std::uint64_t generation = 0;
  bool operator==(const Ticket&) const = default;
};

/// The shared-memory tier: one copy for all workers of a host, in memory that the adapter maps before it forks.
///
/// Keys belong to a *subject* (a document, or all lists of a resource). Invalidation counts the subject's generation up, so it
/// takes no lock and can't be lost; an entry counts only under the generation that it was filled in, which its reader looked up
/// before it read the store. A writer calls `invalidate` after the commit and before it answers: from then on nobody finds what
/// was read before the commit.
///
/// A process may be killed at any instruction: locks are robust, and a shard whose owner died in the middle of a change starts
/// empty. Time is what the caller passes (CLOCK_MONOTONIC); the wall clock plays no part. Keys are any bytes.
class Zone {
 public:
  /// Formats fresh memory. `memory` is page-aligned, zeroed and at least `kMinimumSize`.
  static Zone& format(std::span<std::byte> memory);
  static constexpr std::size_t kMinimumSize = 1U << 20U;
  /// No entry is larger, key and all; in zones under 48 MiB half a shard is the limit (500 KiB and more).
  static constexpr std::size_t kLargestEntry = 1U << 20U;

  /// Copies what is there into `entry`, an empty one whose body may have memory, without a lock as long as nobody changes the
  /// shard, and marks it as used (once a second). Expired (past `stale`) and invalidated entries are not found; then `entry`
  /// may hold anything.
  std::optional<Hit> find(std::string_view key, Monotonic now, Entry& entry);
  Ticket ticket(std::string_view subject) const noexcept { return {generations_.of(hash_(subject))}; }
  /// Stores, evicting the least recently used. False when it was dropped: invalidated since `ticket`, or too large.
  /// An entry that is there and was modified later stays.
  bool fill(std::string_view key, std::string_view subject, Ticket ticket, const Entry& entry, const Lifetime& life,
            Monotonic now);
  void invalidate(std::string_view subject) noexcept { generations_.next(hash_(subject)); }
  /// A resource's lists, and these documents.
  void invalidate(std::string_view resource, std::span<const std::string_view> ids);
  /// Invalidates everything: after a worker died, which may have written without telling.
  void invalidate_all() noexcept { generations_.next_of_all(); }

  /// Single flight: a lease when the caller is now the one to read the store for `key`, until `release` or `time` has passed
  /// (60 s at most); nullopt while another is.
  std::optional<Lease> try_lead(std::string_view key, Milliseconds time, Monotonic now) noexcept {
    return leases_.take(hash_(key), time, now);
  }
  void release(const Lease& lease) noexcept { leases_.give_back(lease); }
  /// Takes a lease from a holder that may have died.
  void revoke(std::string_view key) noexcept { leases_.revoke(hash_(key)); }

  /// Small values that must not be dropped by entries: counters and marks, a quarter of the zone. Without `ttl` they stay.
  /// Error::overloaded when their part is full of live values, Error::too_large for one that would take half a shard of it.
  ///
  /// A value that is absent counts as 0 and gets `ttl`; a later `ttl` changes nothing. A value put as decimal digits can be
  /// counted too; Error::conflict for any other, and on overflow.
  Result<std::int64_t> increment(std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl, Monotonic now);
  Result<std::optional<std::string>> get(std::string_view key, Monotonic now);
  Result<void> put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl, Monotonic now);
  /// True when it was absent and is now set.
  Result<bool> put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl, Monotonic now);
  /// True when it was there.
  Result<bool> erase(std::string_view key, Monotonic now);

  /// What this host knows of the tier behind, where there is one.
  Trust& trust() noexcept { return trust_; }
  /// What this host wrote last, for reads that come from a store's copies.
  LastWrite& last_write() noexcept { return last_write_; }

  /// True when the calling process is now the one of a configuration's workers that hears, for all, what other hosts say: until
  /// it gives that back, or ends in whichever way.
  bool try_listen(std::uint64_t configuration) noexcept {
    return listening_[configuration % kListeners].try_lock() != RobustMutex::Attempt::held;
  }
  void end_listening(std::uint64_t configuration) noexcept { listening_[configuration % kListeners].unlock(); }

  /// Tells this host from others.
  std::uint64_t id() const noexcept { return hash_("host"); }

  /// What operators of this host were told of.
  Outages& outages() noexcept { return outages_; }

  /// Before any process uses it: there may be other zones beside this one, whose processes write without telling it.
  void join(const Succession::File& file) noexcept {
    succession_.join(file);
    trust_.share(file.page->marks);
  }
  /// Whether it may be used for entries: else nothing is found in it and nothing filled in.
  bool serves() const noexcept { return succession_.serves(); }
  /// Looks whether it may be used again. Called now and then by each worker; `grace`: how long a write may still come of a
  /// process that has ended.
  void look_for_others(Monotonic now, Milliseconds grace) noexcept {
    succession_.look(now, grace, [this] { invalidate_all(); });
  }

  /// Lists the calling process as a worker. When one that is listed no longer runs, everything is invalidated, here and in the
  /// tier behind (it may have died between a commit and telling of it). Workers of an earlier configuration that still finish
  /// their requests are no matter.
  WorkerSlots::Entered enter() noexcept;
  void leave(std::size_t place) noexcept { workers_.leave(place); }
  /// What each worker says of itself, for what is added up over all: see WorkerSlots. `place`: as `enter` gave it.
  void tell(std::size_t place, const WorkerSlots::Words& words) noexcept { workers_.tell(place, words); }
  template <class Visit>
  void each_worker(Visit visit) const noexcept {
    workers_.each(visit);
  }

  struct Usage {
    std::uint64_t entries, bytes, capacity, evictions, values, resets;
  };
  Usage usage() const noexcept;

  /// Memory in the zone for the metrics (metrics/), zeroed when formatted, aligned to 64 bytes.
  std::span<std::byte> metrics() noexcept;
  /// How much of it a zone of `size` bytes has: one part in kShareOfMetrics, kLeastMetrics at least.
  static std::size_t metrics_size(std::size_t size) noexcept;
  static constexpr std::size_t kShareOfMetrics = 16;
  static constexpr std::size_t kLeastMetrics = 128U << 10U;

  /// Whether all shards hold together; takes their locks one after another. For tests.
  bool intact() noexcept;

 private:
  /// Equal shards, side by side from `at`. Positions count from this object: the memory may be mapped anywhere.
  struct Shards {
    std::uint64_t at = 0, count = 0, size = 0;
  };

  // cppcheck-suppress uninitMemberVarPrivate ; the memory is zeroed
  Zone() = default;
  template <class Format>
  Shards lay_out(std::uint64_t at, std::uint64_t size, std::uint64_t most, std::uint64_t shard_size, Format format);
  struct EntryMeta;
  struct Copy;
  static bool copy_despite_changes(BlockTable& table, std::uint64_t hash, std::string_view key, Copy& copy,
                                   std::string& payload);
  static void touch(BlockTable& table, std::uint64_t hash, std::string_view key, std::int64_t moment);
  static void drop(BlockTable& table, std::uint64_t hash, std::string_view key, std::uint64_t generation);
  BlockTable& shard(const Shards& shards, std::uint64_t hash) noexcept;
  const BlockTable& shard(const Shards& shards, std::uint64_t hash) const noexcept;

  /// Workers of an earlier configuration may hear another Redis: those that meet in one place wait until it has ended.
  static constexpr std::size_t kListeners = 64;

  Succession succession_;
  KeyedHash hash_;
  std::uint64_t metrics_at_ = 0, metrics_size_ = 0;
  Shards entries_, values_;
  std::atomic<std::uint64_t> evictions_;
  Trust trust_;
  LastWrite last_write_;
  Outages outages_;
  WorkerSlots workers_;
  std::array<RobustMutex, kListeners> listening_;
  Leases leases_;
  Generations generations_;
};

}  // namespace nacre::cache
