#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cache/read_through.h"
#include "http/request.h"
#include "metrics/registry.h"

namespace nacre::metrics {

enum class StoreOperation : std::uint8_t { find_one, find, insert, replace, erase, recall, remember, ping };

/// What a worker counts while it answers. One per worker; everything is resolved at its start or at first use, after which
/// counting is an addition.
class Recorder {
 public:
  /// `routes`: the names of the configuration's routes, as in `$nacre_route`, by their numbers.
  Recorder(Registry& registry, std::vector<std::string> routes);

  /// A request was answered, by Nacre or by nginx before it. `route` is the number of its name.
  void answered(std::size_t route, http::Method method, int status, std::chrono::nanoseconds took);
  /// Which tiers the cache has; the zone alone at first.
  void set_tiers(bool local, bool shared) noexcept;
  /// A read went through the cache.
  void looked_up(cache::Outcome outcome) noexcept;
  /// A store operation ended; `error` is empty when it succeeded.
  void stored(StoreOperation operation, std::optional<Error> error, std::chrono::nanoseconds took);
  /// A call to Redis ended.
  void asked_redis(std::optional<Error> error, std::chrono::nanoseconds took);
  /// An operation of the document store got a connection, or none, after this time.
  void waited_for_connection(std::chrono::nanoseconds time) const noexcept { pool_wait_.observe(time); }

 private:
  static constexpr std::size_t kMethods = static_cast<std::size_t>(http::Method::other) + 1;
  static constexpr std::size_t kOperations = static_cast<std::size_t>(StoreOperation::ping) + 1;

  /// The counters of one route and method by status, or of one operation by result: few, the frequent ones first seen.
  using ByCode = std::vector<std::pair<int, Counter>>;
  struct Route {
    std::string name;
    Histogram duration;
    std::array<ByCode, kMethods> requests;
  };

  Registry& registry_;
  std::vector<Route> routes_;
  Counter l1_hit_, l1_miss_, l1_stale_, l2_hit_, l2_miss_;
  std::array<ByCode, kOperations> operations_;
  Histogram store_duration_;
  Histogram pool_wait_;
  ByCode redis_commands_;
  Histogram redis_duration_;
};

}  // namespace nacre::metrics
