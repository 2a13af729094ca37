#include "cache/zone.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <new>
#include <utility>

#include "cache/key.h"
#include "cache/values.h"

namespace nacre::cache {

namespace {

constexpr std::size_t kEntryBlock = 512;
constexpr std::uint64_t kMostShards = 16;
constexpr std::uint64_t kEntryShard = 1U << 20U;  // the least worth a lock of its own: holds an entry of 512 KiB
constexpr std::uint64_t kValueShard = 2U << 20U;

constexpr Timestamp kNoDate = Timestamp::min();

constexpr int kTries = 3;  ///< to copy an entry between changes, before the lock is waited for
constexpr Milliseconds kUsedAnew{1'000};

}  // namespace

/// What an entry's record holds beside its key; the payload is the body, then the ETag.
struct Zone::EntryMeta {
  std::uint64_t subject = 0;  ///< its hash
  std::uint64_t generation = 0;
  std::int64_t filled = 0;
  std::int64_t due = 0;
  std::int64_t fresh_until = 0;
  std::uint64_t etag_size = 0;
  std::int64_t used = 0;   ///< when it was last moved to the front
  HttpDate last_modified;  ///< kNoDate: none
};

struct Zone::Copy {
  BlockTable::Record record;
  EntryMeta meta;
};

template <class Format>
Zone::Shards Zone::lay_out(std::uint64_t at, std::uint64_t size, std::uint64_t most, std::uint64_t shard_size, Format format) {
  const std::uint64_t count = std::bit_floor(std::clamp<std::uint64_t>(size / shard_size, 1, most));
  const Shards shards{at, count, size / count / kAlignment * kAlignment};
  for (std::uint64_t i = 0; i < count; ++i) {
    format(std::span(reinterpret_cast<std::byte*>(this) + at + i * shards.size, shards.size));
  }
  return shards;
}

Zone& Zone::format(std::span<std::byte> memory) {
  auto& zone = *::new (memory.data()) Zone();
  zone.hash_.init();
  zone.workers_.init();
  zone.trust_.init();
  zone.last_write_.init();
  zone.outages_.init();
  for (RobustMutex& one : zone.listening_) one.init();
  zone.metrics_at_ = align(sizeof(Zone));
  zone.metrics_size_ = metrics_size(memory.size());
  const std::uint64_t values_at = zone.metrics_at_ + zone.metrics_size_;
  const std::uint64_t values_size = memory.size() / 4 / kAlignment * kAlignment;
  zone.values_ =
      zone.lay_out(values_at, values_size, kMostShards, kValueShard, [](std::span<std::byte> shard) { Values::format(shard); });
  const std::uint64_t entries_at = values_at + values_size;
  zone.entries_ = zone.lay_out(entries_at, memory.size() - entries_at, kMostShards, kEntryShard,
                               [](std::span<std::byte> shard) { BlockTable::format(shard, kEntryBlock, sizeof(EntryMeta)); });
  return zone;
}

std::size_t Zone::metrics_size(std::size_t size) noexcept {
  return std::max<std::size_t>(size / kShareOfMetrics, kLeastMetrics) / kAlignment * kAlignment;
}

BlockTable& Zone::shard(const Shards& shards, std::uint64_t hash) noexcept {
  // The upper bits: the lower ones choose the bucket inside.
  const std::uint64_t index = hash >> 48U & (shards.count - 1);
  return *reinterpret_cast<BlockTable*>(reinterpret_cast<std::byte*>(this) + shards.at + index * shards.size);
}

const BlockTable& Zone::shard(const Shards& shards, std::uint64_t hash) const noexcept {
  return const_cast<Zone*>(this)->shard(shards, hash);
}

/// Copies what stands under a key where a first look at it has failed.
bool Zone::copy_despite_changes(BlockTable& table, std::uint64_t hash, std::string_view key, Copy& copy, std::string& payload) {
  for (int tries = 1; tries < kTries; ++tries) {
    payload.clear();
    const BlockTable::Peek peeked = table.peek(hash, key, copy.record, copy.meta, payload);
    if (peeked != BlockTable::Peek::unsure) return peeked == BlockTable::Peek::found;
  }
  payload.clear();
  const BlockTable::Lock lock(table);
  BlockTable::Record* const found = lock->find(hash, key);
  if (found == nullptr) return false;
  copy.record = *found;
  copy.meta = found->meta<EntryMeta>();
  payload.reserve(found->payload_size);
  lock->payload(*found).append(found->payload_size, payload);
  return true;
}

/// Marks an entry as used. Once in a while is enough to tell what is used from what is not, and leaves the memory of those who
/// read alone.
void Zone::touch(BlockTable& table, std::uint64_t hash, std::string_view key, std::int64_t moment) {
  const BlockTable::Lock lock(table);
  BlockTable::Record* const found = lock->find(hash, key);
  if (found == nullptr || moment - found->meta<EntryMeta>().used < kUsedAnew.count()) return;
  lock->touch(*found);
  found->meta<EntryMeta>().used = moment;
}

/// Forgets an entry that counts no more, unless another was filled in.
void Zone::drop(BlockTable& table, std::uint64_t hash, std::string_view key, std::uint64_t generation) {
  const BlockTable::Lock lock(table);
  BlockTable::Record* const found = lock->find(hash, key);
  if (found != nullptr && found->meta<EntryMeta>().generation == generation) lock->erase(*found);
}

std::optional<Hit> Zone::find(std::string_view key, Monotonic now, Entry& entry) {
  const std::uint64_t hash = hash_(key);
  BlockTable& table = shard(entries_, hash);
  std::string& body = entry.body;
  Copy found;
  if (!serves()) return std::nullopt;
  const BlockTable::Peek peeked = table.peek(hash, key, found.record, found.meta, body);
  if (peeked == BlockTable::Peek::absent) return std::nullopt;
  if (peeked == BlockTable::Peek::unsure && !copy_despite_changes(table, hash, key, found, body)) return std::nullopt;
  const EntryMeta& meta = found.meta;
  const auto moment = static_cast<std::int64_t>(now);
  // Read after the entry: a generation read before could be older than what was filled since.
  if (meta.generation != generations_.of(meta.subject) || found.record.expires <= moment) {
    drop(table, hash, key, meta.generation);
    return std::nullopt;
  }
  if (moment - meta.used >= kUsedAnew.count()) touch(table, hash, key, moment);
  entry.etag.assign(std::string_view(body).substr(body.size() - meta.etag_size));
  body.resize(body.size() - meta.etag_size);
  if (meta.last_modified.at != kNoDate) entry.last_modified = meta.last_modified;
  return Hit{moment >= meta.fresh_until ? Freshness::stale
             : moment >= meta.due       ? Freshness::due
                                        : Freshness::fresh,
             now - Monotonic{meta.filled}};
}

bool Zone::fill(std::string_view key, std::string_view subject, Ticket ticket, const Entry& entry, const Lifetime& life,
                Monotonic now) {
  const std::uint64_t hash = hash_(key);
  const Monotonic filled = now + -life.age;
  const Monotonic fresh_until = filled + life.ttl;
  const Milliseconds local = std::min(life.local, std::max(fresh_until - now, Milliseconds{}));
  const std::uint64_t subject_hash = hash_(subject);
  const EntryMeta meta{subject_hash,
                       ticket.generation,
                       static_cast<std::int64_t>(filled),
                       static_cast<std::int64_t>(now + local),
                       static_cast<std::int64_t>(fresh_until),
                       entry.etag.size(),
                       static_cast<std::int64_t>(now),
                       entry.last_modified.value_or(kNoDate)};
  const std::array<std::string_view, 2> payload{entry.body, entry.etag};
  const std::size_t size = key.size() + entry.etag.size() + entry.body.size();
  if (size > kLargestEntry || !serves()) return false;

  BlockTable& entries = shard(entries_, hash);
  const std::size_t blocks = entries.blocks_for(key.size(), entry.etag.size() + entry.body.size());
  if (blocks > entries.block_count() / 2) return false;
  if (generations_.of(subject_hash) != ticket.generation) return false;
  const BlockTable::Lock table(entries);
  if (BlockTable::Record* const before = table->find(hash, key)) {
    const EntryMeta& there = before->meta<EntryMeta>();
    if (there.generation > ticket.generation) return false;
    if (there.generation == ticket.generation && there.last_modified.at > meta.last_modified.at) return false;
    table->erase(*before);
  }
  while (table->free_blocks() < blocks) {
    table->erase(*table->oldest());
    evictions_.fetch_add(1, std::memory_order_relaxed);
  }
  table->insert(hash, key, static_cast<std::int64_t>(fresh_until + life.stale), meta, payload);
  return true;
}

void Zone::invalidate(std::string_view resource, std::span<const std::string_view> ids) {
  std::string subject;
  for (const std::string_view id : ids) {
    subject.clear();
    Key::append_subject(subject, resource, id);
    invalidate(subject);
  }
  invalidate(resource);
}

Result<std::int64_t> Zone::increment(std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl, Monotonic now) {
  const std::uint64_t hash = hash_(key);
  return Values(shard(values_, hash)).increment(hash, key, by, ttl, now);
}

Result<std::optional<std::string>> Zone::get(std::string_view key, Monotonic now) {
  const std::uint64_t hash = hash_(key);
  return Values(shard(values_, hash)).get(hash, key, now);
}

Result<void> Zone::put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl, Monotonic now) {
  const std::uint64_t hash = hash_(key);
  const Result<bool> put = Values(shard(values_, hash)).put(hash, key, value, ttl, false, now);
  if (!put) return put.error();
  return {};
}

Result<bool> Zone::put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl, Monotonic now) {
  const std::uint64_t hash = hash_(key);
  return Values(shard(values_, hash)).put(hash, key, value, ttl, true, now);
}

Result<bool> Zone::erase(std::string_view key, Monotonic now) {
  const std::uint64_t hash = hash_(key);
  return Values(shard(values_, hash)).erase(hash, key, now);
}

WorkerSlots::Entered Zone::enter() noexcept {
  succession_.enter();
  return workers_.enter([this] {
    trust_.mark();
    invalidate_all();
  });
}

Zone::Usage Zone::usage() const noexcept {
  Usage usage{};
  usage.evictions = evictions_.load(std::memory_order_relaxed);
  for (std::uint64_t i = 0; i < entries_.count; ++i) {
    const BlockTable& table = shard(entries_, i << 48U);
    usage.entries += table.records();
    usage.bytes += table.used_blocks() * table.block_size();
    usage.capacity += table.block_count() * table.block_size();
    usage.resets += table.resets();
  }
  for (std::uint64_t i = 0; i < values_.count; ++i) {
    const BlockTable& table = shard(values_, i << 48U);
    usage.values += table.records();
    usage.resets += table.resets();
  }
  return usage;
}

std::span<std::byte> Zone::metrics() noexcept {
  return {reinterpret_cast<std::byte*>(this) + metrics_at_, static_cast<std::size_t>(metrics_size_)};
}

bool Zone::intact() noexcept {
  bool intact = true;
  for (std::uint64_t i = 0; i < entries_.count; ++i) intact = shard(entries_, i << 48U).intact() && intact;
  for (std::uint64_t i = 0; i < values_.count; ++i) intact = shard(values_, i << 48U).intact() && intact;
  return intact;
}

}  // namespace nacre::cache
