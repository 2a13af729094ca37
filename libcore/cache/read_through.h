#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cache/zone.h"
#include "config/config.h"
#include "fiber/fiber.h"

namespace nacre::cache {

/// Which tier answered: `$nacre_cache` and the Cache-Status header (RFC 9211).
enum class Outcome : std::uint8_t { none, l1_hit, l2_hit, miss, stale };
std::string_view to_string(Outcome outcome) noexcept;     ///< "-", "l1-hit", "l2-hit", "miss", "stale"
std::string_view cache_status(Outcome outcome) noexcept;  ///< "nacre; hit", "nacre; fwd=miss", "nacre; fwd=stale"

struct Served {
  Entry entry;
  Outcome outcome = Outcome::none;
  Milliseconds age{};
};

/// Reads through the tiers of the cache to the store: single flight over all workers of the host, stale while revalidating,
/// stale when the store fails (RFC 5861). One per worker.
class ReadThrough {
 public:
  ReadThrough(Zone& zone, fiber::Scheduler& scheduler, Milliseconds store_timeout);
  ~ReadThrough();

  /// Reads the store; may run on another fiber than the caller's and after it, so it owns all that it touches.
  using Load = std::function<Result<Entry>()>;

  /// A hit at once, else what `load` gives. `load` failures are passed on and never stored; when a stale entry is there and the
  /// failure is one of the store's (unavailable, overloaded, deadline, internal), the stale entry is served instead.
  Result<Served> get(std::string_view key, std::string_view subject, const config::CachePolicy& policy, const Load& load);

  /// The first part of `get` alone: a fresh hit or nothing. Copies once; nothing else is allocated.
  std::optional<Served> find_fresh(std::string_view key, std::string_view subject);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace nacre::cache
