#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// What is measured: the names, help texts and labels of all metrics. No label ever takes a value from a client.
namespace nacre::metrics {

enum class Kind : std::uint8_t { counter, gauge, histogram };

struct Family {
  Kind kind;
  std::string_view name;
  std::string_view help;
  std::array<std::string_view, 3> labels{};  ///< names; unused ones are empty
};

inline constexpr Family kHttpRequests{Kind::counter,
                                      "nacre_http_requests_total",
                                      "Answered requests, those that nginx rejected included.",
                                      {"route", "method", "status"}};
inline constexpr Family kHttpDuration{Kind::histogram,
                                      "nacre_http_request_duration_seconds",
                                      "Time from a request's first byte to its answer's last.",
                                      {"route"}};
inline constexpr Family kCacheRequests{
    Kind::counter, "nacre_cache_requests_total", "Look-ups in a tier of the cache.", {"tier", "result"}};
inline constexpr Family kStoreOperations{
    Kind::counter, "nacre_store_operations_total", "Operations of the document store.", {"operation", "result"}};
inline constexpr Family kStoreDuration{
    Kind::histogram, "nacre_store_operation_duration_seconds",
    "Time of an operation of the document store, waiting included; of a write, until the cache knows of it."};
inline constexpr Family kRedisCommands{Kind::counter, "nacre_redis_commands_total", "Calls to Redis.", {"result"}};
inline constexpr Family kRedisDuration{Kind::histogram, "nacre_redis_command_duration_seconds",
                                       "Time of a call to Redis, waiting included."};
inline constexpr Family kPoolConnections{
    Kind::gauge, "nacre_pool_connections", "Connections to the document store: idle, busy, or being opened.", {"state"}};
inline constexpr Family kPoolWait{Kind::histogram, "nacre_pool_wait_seconds",
                                  "Time that an operation of the document store waited for a connection."};
inline constexpr Family kConnections{Kind::gauge, "nacre_connections", "Connections of clients.", {"state"}};
inline constexpr Family kCacheEntries{Kind::gauge, "nacre_cache_entries", "Entries in the shared-memory zone."};
inline constexpr Family kCacheBytes{Kind::gauge, "nacre_cache_bytes", "Bytes of the shared-memory zone that entries take."};
inline constexpr Family kCacheCapacity{Kind::gauge, "nacre_cache_capacity_bytes",
                                       "Bytes of the shared-memory zone that entries may take."};
inline constexpr Family kCacheEvictions{Kind::counter, "nacre_cache_evictions_total",
                                        "Entries dropped to make room for others."};
inline constexpr Family kCacheResets{Kind::counter, "nacre_cache_resets_total",
                                     "Parts of the zone emptied because a worker died while it changed them."};
inline constexpr Family kLostSeries{Kind::counter, "nacre_metrics_lost_series_total",
                                    "Series that found no room in the zone and are not counted."};
inline constexpr Family kBuildInfo{Kind::gauge, "nacre_build_info", "What runs; always 1.", {"version", "nginx"}};

/// All of them, in the order of the exposition.
inline constexpr std::array kFamilies{&kHttpRequests,    &kHttpDuration,   &kCacheRequests, &kCacheEntries,    &kCacheBytes,
                                      &kCacheCapacity,   &kCacheEvictions, &kCacheResets,   &kStoreOperations, &kStoreDuration,
                                      &kPoolConnections, &kPoolWait,       &kRedisCommands, &kRedisDuration,   &kConnections,
                                      &kLostSeries,      &kBuildInfo};

}  // namespace nacre::metrics
