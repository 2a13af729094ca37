#pragma once

#include "cache/small_values.h"
#include "redis/client.h"

namespace nacre::cache {

/// Values that all hosts share, in Redis as `<prefix>:v<key>`. A value put as decimal digits can be counted too.
class RedisValues final : public SmallValues {
 public:
  RedisValues(redis::Client& client, std::string prefix) : client_(client), prefix_(std::move(prefix)) {}

  Result<std::int64_t> increment(std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl) override;
  Result<std::optional<std::string>> get(std::string_view key) override;
  Result<void> put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) override;
  Result<bool> put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) override;
  Result<bool> erase(std::string_view key) override;

 private:
  std::string name(std::string_view key) const;

  redis::Client& client_;
  std::string prefix_;
};

}  // namespace nacre::cache
