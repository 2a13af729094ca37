#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "cache/read_through.h"
#include "cache/small_values.h"
#include "cache/zone.h"
#include "config/config.h"
#include "fiber/fiber.h"

namespace nacre::cache {

/// All of a worker's cache, as `cache.uri` wants it: the zone alone, or the zone and Redis.
class Tiers {
 public:
  /// All must outlive this.
  /// `observe` is told of each command to Redis: how it failed, and how long it took.
  using Observe = std::function<void(std::optional<Error> error, std::chrono::nanoseconds took)>;
  Tiers(const config::Config& config, Zone& zone, fiber::Scheduler& scheduler, Observe observe, const Log& log);
  ~Tiers();

  ReadThrough& reads() noexcept { return *reads_; }
  SmallValues& values() noexcept { return *values_; }
  /// Ends what the tiers have of a resource's lists and of these documents: after a write of the store, before it is answered.
  /// On a fiber.
  void invalidate(std::string_view resource, std::span<const std::string_view> ids);
  /// Ends all that the tiers have.
  void invalidate_all();
  /// Whether the cache can be used; the failure's `detail` says why not. On a fiber.
  Result<void> ping();
  /// What keeps the cache from being all that it might, though it can be used: a sentence each, for operators.
  std::vector<std::string> troubles() const;

 private:
  struct Redis;

  Zone& zone_;
  std::unique_ptr<Redis> redis_;  ///< nullptr: the zone alone
  std::unique_ptr<SmallValues> values_;
  std::unique_ptr<ReadThrough> reads_;
};

}  // namespace nacre::cache
