#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "cache/key.h"
#include "cache/remote_tier.h"
#include "cache/zone.h"
#include "config/config.h"
#include "fiber/fiber.h"

namespace nacre::cache {

/// Which tier answered: `$nacre_cache` and the Cache-Status header (RFC 9211).
enum class Outcome : std::uint8_t { none, l1_hit, l2_hit, miss, stale, l2_stale };
std::string_view to_string(Outcome outcome) noexcept;  ///< "-", "l1-hit", "l2-hit", "miss", "stale"
/// "nacre; hit", "nacre; hit; detail=l2", "nacre; fwd=miss", "nacre; fwd=stale", ""
std::string_view cache_status(Outcome outcome) noexcept;

/// How long a request waited, for what.
struct Waits {
  std::chrono::microseconds store{};   ///< or for another request that reads it
  std::chrono::microseconds remote{};  ///< for the tier that all hosts share
};

struct Served {
  Outcome outcome = Outcome::none;
  Milliseconds age{};
};

/// Reads through the tiers of the cache to the store: single flight over all workers of the host, stale while revalidating,
/// stale when the store fails (RFC 5861). One per worker. The cache never makes a request fail.
///
/// Behind the zone (L1) there may be a tier that all hosts share (L2). Then an entry of the zone is only good for `kLocal`
/// without a look at that tier: the bound on what a host may miss when it hears of no write.
class ReadThrough {
 public:
  static constexpr Milliseconds kLocal{5'000};

  struct Options {
    Milliseconds store_timeout;
    RemoteTier* remote = nullptr;
    bool local = true;  ///< whether entries are kept in the zone
  };
  ReadThrough(Zone& zone, fiber::Scheduler& scheduler, Options options);
  ~ReadThrough();

  /// Reads the store; may run on another fiber than the caller's and after it, so it owns all that it touches.
  using Load = std::function<Result<Entry>()>;
  /// Called where it comes to that.
  using MakeLoad = FunctionRef<Load()>;

  /// Puts a hit into `entry` at once, else what the load gives; after a failure it may hold anything. On a fiber only.
  ///
  /// - A stale entry is served at once, and one fiber of the host renews it; that fails as long as the store does, and the
  ///   entry is served until it expires. When the store says that there is no such thing any more, the subject is invalidated.
  /// - Of those who miss at the same time one reads the store, on its own fiber; the others wait and get its entry or its
  ///   failure. When it goes away or runs out of its own time, one of the others reads. Nobody gets what was read for somebody
  ///   who came before a write.
  /// - Failures of the load are passed on and never stored; where an entry is there and the failure is one of the store's
  ///   (unavailable, overloaded, deadline, internal), the entry is served instead.
  Result<Served> get(const Key& key, const config::CachePolicy& policy, MakeLoad make_load, Waits& waits, Entry& entry);

  /// Whether entries are kept in the zone: else `find_fresh` finds nothing.
  bool is_local() const noexcept;

  /// The first part of `get` alone: copies a fresh hit in the zone into `entry`, which is empty, and says how old it is;
  /// nullopt where there is none, and then `entry` may hold anything. Nothing is allocated but a body's memory, where none was
  /// taken back. On any stack.
  std::optional<Milliseconds> find_fresh(const Key& key, Entry& entry);
  /// Takes the memory of a body that was sent, for a hit to come.
  void take_back(std::string&& body) noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace nacre::cache
