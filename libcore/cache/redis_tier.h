#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "cache/remote_tier.h"
#include "cache/zone.h"
#include "fiber/fiber.h"
#include "redis/client.h"

namespace nacre::cache {

/// The remote tier in Redis, below a prefix, `nacre:` usually.
///
///     d<resource>/<id>      a document's answer; empty for a moment after a write: then nothing is filled in
///     l<resource>/<query>   a list's answer, good while it names the resource's generation
///     g<resource>           the generation of a resource's lists: another number after each write
///     writes                the channel on which the hosts tell each other what they wrote
///
/// Keys do not hold the configuration's fingerprint but values do, so that a write ends what any configuration cached.
/// The age of an answer is the difference of two hosts' wall clocks; Redis itself drops it at the end of its lifetime.
class RedisTier final : public RemoteTier {
 public:
  struct Options {
    std::string prefix;
    /// Of the store: what was read from another one is not found.
    std::uint64_t identity;
    /// For how long nothing is filled in after a write: longer than any read of the store takes.
    Milliseconds quiet;
    /// The longest that an entry can be served, of all resources.
    Milliseconds longest;
  };
  RedisTier(redis::Client& client, Zone& zone, fiber::Scheduler& scheduler, Options options);
  ~RedisTier() override;

  Result<Look> find(const Key& key) override;
  void fill(const Key& key, const Look& look, const Entry& entry, const config::CachePolicy& policy) override;
  void invalidate(std::string_view resource, std::span<const std::string_view> ids) override;

 private:
  /// What could not be invalidated when it was written, and keeps this host from trusting Redis until it is.
  static constexpr std::size_t kMostOwed = 10'000;

  std::string key_of(char kind, std::string_view name) const;
  std::string key_of(const Key& key) const;
  Result<Look> find_document(const Key& key);
  Result<Look> find_list(const Key& key);
  Look look_at(std::string value, const Key& key, std::uint64_t generation) const;
  Result<std::uint64_t> new_generation(const std::string& key);
  bool tell(std::string_view resource, std::span<const std::string_view> ids);
  void end_in_zone(std::string_view resource, std::span<const std::string_view> ids);
  void owe(std::string_view resource, std::span<const std::string_view> ids);
  void pay();
  void settle();
  void hear(std::string_view message);

  redis::Client& client_;
  Zone& zone_;
  fiber::Scheduler& scheduler_;
  const Options options_;
  const std::string channel_;
  const std::string quiet_;
  const std::string host_;      ///< says whose a message is
  std::set<std::string> owed_;  ///< subjects
  bool owes_ = false;           ///< counted in the zone
  bool paying_ = false;
  Monotonic distrusted_until_{};
};

}  // namespace nacre::cache
