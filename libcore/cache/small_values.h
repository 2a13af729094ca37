#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "cache/zone.h"
#include "fiber/reactor.h"

namespace nacre::cache {

/// Counters and marks, in the zone of a host or in the tier that all hosts share. They are never dropped for entries. On
/// fibers.
///
/// Error::conflict for a value that is no integer, or would overflow; Error::overloaded and Error::too_large where there is no
/// room; Error::unavailable, Error::deadline and Error::cancelled where they are on a server.
class SmallValues {
 public:
  virtual ~SmallValues() = default;

  /// Adds to a counter, which begins at 0, and gives the sum. A `ttl` counts from the counter's beginning.
  virtual Result<std::int64_t> increment(std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl) = 0;
  virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  virtual Result<void> put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) = 0;
  /// True when it was absent and is now set.
  virtual Result<bool> put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) = 0;
  /// True when it was there.
  virtual Result<bool> erase(std::string_view key) = 0;
};

/// Those of one host, in its zone: they outlive a reload, but not a restart of nginx.
class ZoneValues final : public SmallValues {
 public:
  ZoneValues(Zone& zone, const Reactor& reactor) : zone_(zone), reactor_(reactor) {}

  Result<std::int64_t> increment(std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl) override {
    return zone_.increment(key, by, ttl, reactor_.now());
  }
  Result<std::optional<std::string>> get(std::string_view key) override { return zone_.get(key, reactor_.now()); }
  Result<void> put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) override {
    return zone_.put(key, value, ttl, reactor_.now());
  }
  Result<bool> put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) override {
    return zone_.put_if_absent(key, value, ttl, reactor_.now());
  }
  Result<bool> erase(std::string_view key) override { return zone_.erase(key, reactor_.now()); }

 private:
  Zone& zone_;
  const Reactor& reactor_;
};

}  // namespace nacre::cache
