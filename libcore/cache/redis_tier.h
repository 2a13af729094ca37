#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/log.h"
#include "cache/remote_tier.h"
#include "cache/zone.h"
#include "fiber/fiber.h"
#include "redis/client.h"

namespace nacre::cache {

/// The remote tier in Redis, below a prefix, `nacre` usually.
///
///     epoch                         the epoch, and the server that it was begun on
///     <epoch>:d<resource>/<id>      a document's answer, or for a moment the place that is kept for one
///     <epoch>:l<resource>/<query>   a list's answer, good while it names the resource's generation
///     <epoch>:g<resource>           the generation of a resource's lists: another number after each write
///     writes                        the channel on which the hosts tell each other what they wrote; one worker of each listens
///
/// A write deletes what it ends, which a full Redis still does; a fill comes only in the place of what its reader had seen
/// before it read the store, so that a slow one can't put back what was just deleted. What could not be deleted is put out of
/// reach by a new epoch (cache/trust.h), begun as soon as Redis takes writes again; and so is everything when another server
/// answers, or the same one with other data: it may have missed deletions. An epoch is a moment and a
/// random number: none is used once a later one is known of.
///
/// Keys do not hold the configuration's fingerprint but values do, so that a write ends what any configuration cached.
/// The age of an answer is the difference of two hosts' wall clocks; Redis itself drops it at the end of its lifetime.
class RedisTier final : public RemoteTier {
 public:
  struct Options {
    std::string prefix;
    /// Of the store: what was read from another one is not found.
    std::uint64_t identity;
    /// Workers of one configuration hear the same messages.
    std::uint64_t configuration;
    /// How long a place is kept for a fill.
    Milliseconds reserved;
    /// Of a call of the client.
    Milliseconds timeout;
    /// One line for operators when Redis takes no writes, and when it does again.
    Log log;
  };
  RedisTier(redis::Client& client, Zone& zone, fiber::Scheduler& scheduler, Options options);
  ~RedisTier() override;

  Result<Look> find(const Key& key, Entry& entry) override;
  void reserve(const Key& key, Look& look) override;
  void fill(const Key& key, const Look& look, const Entry& entry, const config::CachePolicy& policy) override;

  /// Ends a resource's lists, and these documents, on all hosts; waits until that is done. Where Redis can't be told, or the
  /// fiber is at its end, nothing that it has now is found by this host again, nor by others once it can be told.
  void invalidate(std::string_view resource, std::span<const std::string_view> ids);

 private:
  /// A key of Redis. Most have their place in it.
  struct Name : boost::container::small_vector<char, 128> {
    operator std::string_view() const noexcept { return {data(), size()}; }  // NOLINT(google-explicit-constructor)
  };
  Name name_of(std::uint64_t epoch, char kind, std::string_view name) const;
  Name name_of(std::uint64_t epoch, const Key& key) const;
  Result<Look> find_document(std::uint64_t epoch, const Key& key, Entry& entry);
  Result<Look> find_list(std::uint64_t epoch, const Key& key, Entry& entry);
  void read_value(std::string&& value, const Key& key, Look& look, Entry& entry) const;
  Result<std::uint64_t> new_generation(std::string_view key);

  bool end(std::string_view resource, std::span<const std::string_view> ids);
  Result<std::uint64_t> end_under(std::uint64_t epoch, std::string_view resource, std::span<const std::string_view> ids);
  void listen();
  void hear(std::string_view message);

  bool knows() const noexcept;
  void tick();
  void start_look();
  void look();
  void note(const std::string& refusal);

  Monotonic now() const noexcept { return scheduler_.reactor().now(); }

  redis::Client& client_;
  Zone& zone_;
  Trust& trust_;
  fiber::Scheduler& scheduler_;
  const Options options_;
  const std::string epoch_key_;
  const std::string channel_;
  const std::string host_;  ///< says whose a message is
  mutable std::uint64_t begun_epoch_ = 0;
  mutable std::string beginning_;   ///< of the keys of that epoch
  std::uint64_t looked_at_;         ///< the client's conversation in which the epoch was last seen
  std::uint64_t replacements_ = 0;  ///< of the client, that a mark was set for
  bool looking_ = false;
  bool listening_ = false;
  Monotonic next_look_{};  ///< at the earliest
  std::unique_ptr<Timer> timer_;
};

}  // namespace nacre::cache
