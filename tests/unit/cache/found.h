#pragma once

#include <optional>
#include <string_view>

#include "cache/read_through.h"
#include "cache/zone.h"

namespace nacre::test {

/// An entry with what is known of it.
struct Found : cache::Hit {
  cache::Entry entry;
};

inline std::optional<Found> find(cache::Zone& zone, std::string_view key, Monotonic now) {
  cache::Entry entry;
  const auto hit = zone.find(key, now, entry);
  return hit ? std::optional(Found{*hit, std::move(entry)}) : std::nullopt;
}

/// What was answered, and how.
struct Answered : cache::Served {
  cache::Entry entry;
};

inline Result<Answered> get(cache::ReadThrough& reads, const cache::Key& key, const config::CachePolicy& policy,
                            const cache::ReadThrough::Load& load, cache::Waits& waits) {
  Answered answered;
  const auto served = reads.get(
      key, policy, [&] { return load; }, waits, answered.entry);
  if (!served) return served.error();
  static_cast<cache::Served&>(answered) = *served;
  return answered;
}

inline std::optional<cache::Entry> find_fresh(cache::ReadThrough& reads, const cache::Key& key) {
  std::optional<cache::Entry> entry(std::in_place);
  if (!reads.find_fresh(key, *entry)) entry.reset();
  return entry;
}

}  // namespace nacre::test
