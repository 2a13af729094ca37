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
#include "http/request.h"
#include "metrics/registry.h"

namespace nacre::metrics {

/// A route of the configuration, and what it usually answers: its series exist from the start. One that answers nothing when
/// all is well (a resource that nobody may delete) gets its series with its first answer.
struct Route {
  std::string name;  ///< as in `$nacre_route`
  std::vector<std::pair<http::Method, int>> usual{};
};

/// A tier of the cache, and what a look-up in it gave.
enum class Tier : std::uint8_t { l1, l2 };
enum class Lookup : std::uint8_t { hit, miss, stale };

enum class StoreOperation : std::uint8_t { find_one, find, insert, replace, erase, recall, remember, ping };

/// What a worker counts while it answers. One per worker; everything is resolved at its start or at first use, after which
/// counting is an addition.
class Recorder {
 public:
  /// `routes`: the configuration's, by their numbers.
  Recorder(Registry& registry, std::vector<Route> routes);

  /// What the series of a configuration take, with as many again for answers that are not the usual ones.
  static Room room_for(std::span<const Route> routes);

  /// A request was answered, by Nacre or by nginx before it. `route` is the number of its name.
  void answered(std::size_t route, http::Method method, int status, std::chrono::nanoseconds took);
  /// Which tiers the cache has; a look-up in another is not counted.
  void set_tiers(bool l1, bool l2);
  /// A read looked into a tier.
  void looked_up(Tier tier, Lookup result) const noexcept {
    lookups_[static_cast<std::size_t>(tier)][static_cast<std::size_t>(result)].add();
  }
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
  struct Answers {
    std::string route;
    std::optional<Histogram> duration;
    std::array<ByCode, kMethods> requests;
  };

  const Counter& requests(Answers& answers, http::Method method, int status);
  const Histogram& duration(Answers& answers);

  Registry& registry_;
  std::vector<Answers> routes_;
  std::array<std::array<Counter, 3>, 2> lookups_;
  std::array<ByCode, kOperations> operations_;
  Histogram store_duration_;
  Histogram pool_wait_;
  ByCode redis_commands_;
  Histogram redis_duration_;
};

}  // namespace nacre::metrics
