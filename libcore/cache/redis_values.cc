#include "cache/redis_values.h"

#include <algorithm>

namespace nacre::cache {

namespace {

/// A counter's time begins with it.
const redis::Script increment_script(
    "local there = redis.call('EXISTS', KEYS[1]) "
    "local sum = redis.call('INCRBY', KEYS[1], ARGV[1]) "
    "if there == 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end "
    "return sum");

std::string text(Milliseconds time) { return std::to_string(std::max<Milliseconds::rep>(time.count(), 1)); }

/// What Redis refuses to count is no integer, or the sum is none of 64 bits.
Failure counted_wrong(const Failure& failure) {
  if (failure.error != Error::internal) return failure;
  const bool number =
      failure.internal.find("integer") != std::string::npos || failure.internal.find("overflow") != std::string::npos;
  if (!number && failure.internal.find("WRONGTYPE") == std::string::npos) return failure;
  Failure conflict(Error::conflict, "the value is no integer, or would overflow");
  conflict.internal = failure.internal;
  return conflict;
}

}  // namespace

std::string RedisValues::name(std::string_view key) const { return std::string(prefix_).append(":v").append(key); }

Result<std::int64_t> RedisValues::increment(std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl) {
  const std::string amount = std::to_string(by);
  auto reply =
      ttl ? client_.run(increment_script, {name(key)}, {amount, text(*ttl)}) : client_.command({"INCRBY", name(key), amount});
  if (!reply) return counted_wrong(reply.error());
  return reply->number();
}

Result<std::optional<std::string>> RedisValues::get(std::string_view key) {
  auto reply = client_.command({"GET", name(key)});
  if (!reply) return reply.error();
  if (reply->is_nil()) return std::optional<std::string>();
  return std::optional<std::string>(std::move(*reply).take_text());
}

Result<void> RedisValues::put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) {
  auto reply = ttl ? client_.command({"SET", name(key), value, "PX", text(*ttl)}) : client_.command({"SET", name(key), value});
  if (!reply) return reply.error();
  return {};
}

Result<bool> RedisValues::put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) {
  auto reply = ttl ? client_.command({"SET", name(key), value, "PX", text(*ttl), "NX"})
                   : client_.command({"SET", name(key), value, "NX"});
  if (!reply) return reply.error();
  return !reply->is_nil();
}

Result<bool> RedisValues::erase(std::string_view key) {
  auto reply = client_.command({"DEL", name(key)});
  if (!reply) return reply.error();
  return reply->number() > 0;
}

}  // namespace nacre::cache
