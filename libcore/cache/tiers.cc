#include "cache/tiers.h"

#include <sodium.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstring>
#include <string>

#include "cache/redis_tier.h"
#include "cache/redis_values.h"
#include "net/threads.h"
#include "redis/client.h"
#include "store/open.h"

namespace nacre::cache {

namespace {

constexpr std::size_t kConnectingThreads = 2;

/// Tells the stores apart that hosts of one configuration may have: a file is this host's own.
std::uint64_t identity_of_store(const config::Config& config) {
  const auto file = store::data_file(config);
  if (!file) return 0;
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string text = std::string(host.data()) + ':' + *file;
  std::uint64_t identity = 0;
  crypto_generichash(reinterpret_cast<unsigned char*>(&identity), sizeof identity,
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return identity;
}

}  // namespace

struct Tiers::Redis {
  Redis(const config::Config& config, Zone& zone, fiber::Scheduler& scheduler, Observe observe, const Log& log)
      : reactor(scheduler.reactor()),
        trust(zone.trust()),
        threads(scheduler.reactor(), kConnectingThreads),
        client(scheduler.reactor(), threads, config.cache.redis,
               {.timeout = config.timeouts.redis, .observe = std::move(observe), .log = log}),
        tier(client, zone, scheduler,
             {.prefix = config.cache.prefix,
              .identity = identity_of_store(config),
              .configuration = config.fingerprint,
              .reserved = config.timeouts.store + Seconds{1},
              .timeout = config.timeouts.redis,
              .log = log}) {}

  const Reactor& reactor;
  const Trust& trust;
  net::Threads threads;
  redis::Client client;
  RedisTier tier;
};

Tiers::Tiers(const config::Config& config, Zone& zone, fiber::Scheduler& scheduler, Observe observe, const Log& log)
    : zone_(zone) {
  ReadThrough::Options options{.store_timeout = config.timeouts.store};
  if (config.cache.redis) {
    redis_ = std::make_unique<Redis>(config, zone, scheduler, std::move(observe), log);
    values_ = std::make_unique<RedisValues>(redis_->client, config.cache.prefix);
    options.remote = &redis_->tier;
    options.local = config.cache.local;
  } else {
    values_ = std::make_unique<ZoneValues>(zone, scheduler.reactor());
  }
  reads_ = std::make_unique<ReadThrough>(zone, scheduler, options);
}

Tiers::~Tiers() = default;

void Tiers::invalidate(std::string_view resource, std::span<const std::string_view> ids) {
  if (redis_) return redis_->tier.invalidate(resource, ids);
  zone_.invalidate(resource, ids);
}

void Tiers::invalidate_all() {
  if (redis_) zone_.trust().mark();
  zone_.invalidate_all();
}

Result<void> Tiers::ping() {
  if (!redis_) return {};
  auto answered = redis_->client.ping();
  if (answered && redis_->trust.refuses()) return Failure(Error::unavailable, std::string(redis::kTakesNoWrites));
  return answered;
}

std::vector<std::string> Tiers::troubles() const {
  std::vector<std::string> troubles;
  const auto add = [&](std::string_view what, const std::string& words) {
    if (!words.empty()) troubles.push_back(std::string(what).append(": ").append(words));
  };
  if (!redis_) return troubles;
  add("other hosts' writes are seen late, for Redis refuses to tell of them", redis_->trust.deafened(redis_->reactor.now()));
  add("a new master is seen late, for Sentinel refuses to tell of it", redis_->client.refusal());
  return troubles;
}

}  // namespace nacre::cache
