#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/robust_mutex.h"

namespace nacre::cache {

/// Of what lies in shared memory: a cache line.
inline constexpr std::size_t kAlignment = 64;
constexpr std::size_t align(std::size_t at) noexcept { return (at + kAlignment - 1) / kAlignment * kAlignment; }

/// A hash table of byte records in shared memory with a list in the order of use: one shard of the zone, under one lock.
///
/// A record is a chain of blocks of one size, so memory can't fragment: any free block serves any record, and removing as many
/// bytes as a record needs always makes room for it. What that costs is half a block a record, and one memcpy a block when it
/// is read. (Size classes copy in one piece, but strand memory in classes that are no longer asked for, and moving slabs
/// between classes evicts records that are in use.) Blocks are named by index: the memory may be mapped anywhere.
///
/// The holder of the lock may be killed at any instruction. Every change is marked while it goes on: a table whose holder died
/// in the middle of one starts empty, any other death leaves it as it is. The same mark counts the changes, so that a reader
/// needs no lock: it copies, and takes its copy only if the count is what it was before (a seqlock).
class BlockTable {
 public:
  using Index = std::uint32_t;  ///< of a block, from 1; 0 is none

  /// The head of a record, in its first block. Behind it: `Meta`, then the key and the payload, on through the chain.
  struct Record {
    Index next, last;  ///< the chain of blocks
    Index collision;   ///< the next record of the same bucket
    Index newer, older;
    std::uint32_t key_size;
    std::uint32_t payload_size;
    std::uint32_t blocks;
    std::uint64_t hash;
    std::int64_t expires;  ///< the moment (Monotonic) from which it counts as absent

    /// The user's own part, of the size given to `format`.
    template <class Meta>
    Meta& meta() noexcept {
      static_assert(std::is_trivially_copyable_v<Meta> && alignof(Meta) <= alignof(Record));
      return *reinterpret_cast<Meta*>(this + 1);
    }
  };

  /// Reads a record's bytes in order, from its key on.
  class Reader {
   public:
    Reader(BlockTable& table, Record& record) noexcept;
    /// Appends the next `size` bytes to `text`, which has the capacity.
    void append(std::size_t size, std::string& text);
    /// Whether the next bytes are `text`; then they are read.
    bool equals(std::string_view text) noexcept;
    void skip(std::size_t size) noexcept;

   private:
    /// How much of `wanted` stands in one piece at `at_`.
    std::size_t piece(std::size_t wanted) noexcept;
    std::size_t advance(std::size_t size) noexcept {
      at_ += size;
      left_ -= size;
      return size;
    }

    BlockTable& table_;
    Index next_;
    std::byte* at_;
    std::size_t left_;
  };

  /// The lock as a scope; the only way to the operations below it.
  class Lock {
   public:
    explicit Lock(BlockTable& table) noexcept;
    ~Lock() { table_.mutex_.unlock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    BlockTable* operator->() const noexcept { return &table_; }
    BlockTable& operator*() const noexcept { return table_; }

   private:
    BlockTable& table_;
  };

  /// Makes a table of zeroed memory (aligned to 64). `block_size` is a multiple of 8.
  static BlockTable& format(std::span<std::byte> memory, std::uint32_t block_size, std::uint32_t meta_size) noexcept;

  enum class Peek : std::uint8_t {
    found,
    absent,
    unsure,  ///< it was changed meanwhile, or two keys have one hash: to be tried again, or to be found with the lock
  };
  /// Copies what stands under a key without taking the lock: the record's head into `record`, its own part into `meta`, and its
  /// payload into `payload`, an empty text, which may hold anything where it is not found. Many processes read one record so
  /// without writing to memory that they share.
  template <class Meta>
  Peek peek(std::uint64_t hash, std::string_view key, Record& record, Meta& meta, std::string& payload);

  // With the lock held:

  Record* find(std::uint64_t hash, std::string_view key) noexcept;
  /// Adds a record, as the one used last, under a key that is not there. nullptr when there are not enough free blocks.
  template <class Meta>
  Record* insert(std::uint64_t hash, std::string_view key, std::int64_t expires, const Meta& meta,
                 std::span<const std::string_view> payload) noexcept {
    return insert(hash, key, expires, std::as_bytes(std::span(&meta, 1)), payload);
  }
  void erase(Record& record) noexcept;
  /// Makes it the one used last.
  void touch(Record& record) noexcept;
  /// The one whose use is longest ago; nullptr when empty.
  Record* oldest() noexcept { return record(oldest_); }
  /// A reader that stands behind the key.
  Reader payload(Record& record) noexcept;

  /// Looks at up to `count` records, those whose use is longest ago first, and removes the expired ones; the others count as
  /// used. Costs nothing when none can have expired.
  void reclaim(std::size_t count, std::int64_t now) noexcept;

  std::size_t blocks_for(std::size_t key_size, std::size_t payload_size) const noexcept;
  std::size_t free_blocks() const noexcept { return block_count_ - used_blocks_.load(std::memory_order_relaxed); }

  // Without the lock:

  std::size_t block_count() const noexcept { return block_count_; }
  std::size_t block_size() const noexcept { return block_size_; }
  std::size_t records() const noexcept { return records_.load(std::memory_order_relaxed); }
  std::size_t used_blocks() const noexcept { return used_blocks_.load(std::memory_order_relaxed); }
  /// How often it was emptied because a process died while it changed it.
  std::uint64_t resets() const noexcept { return resets_.load(std::memory_order_relaxed); }
  /// Whether all links fit together; takes the lock. For tests.
  bool intact() noexcept;

 private:
  class Change;
  class Copier;

  BlockTable() = default;
  Record* insert(std::uint64_t hash, std::string_view key, std::int64_t expires, std::span<const std::byte> meta,
                 std::span<const std::string_view> payload) noexcept;
  bool copy_chain(const Record& record, const std::byte* at, std::string_view key, std::uint32_t changes, std::string& payload);
  bool changed_since(std::uint32_t changes) const noexcept {
    std::atomic_thread_fence(std::memory_order_acquire);
    return changes_.load(std::memory_order_relaxed) != changes;
  }
  void reset() noexcept;
  Index* buckets() noexcept { return reinterpret_cast<Index*>(this + 1); }
  Index& bucket(std::uint64_t hash) noexcept { return buckets()[hash & (bucket_count_ - 1)]; }
  std::byte* block(Index index) noexcept {
    return reinterpret_cast<std::byte*>(this) + blocks_at_ + static_cast<std::size_t>(index - 1) * block_size_;
  }
  Record* record(Index index) noexcept { return index == 0 ? nullptr : reinterpret_cast<Record*>(block(index)); }
  Index index_of(const Record& record) noexcept;
  Index take_block() noexcept;
  void link_newest(Record& record, Index index) noexcept;
  void unlink(Record& record) noexcept;
  std::size_t first_capacity() const noexcept { return block_size_ - sizeof(Record) - meta_size_; }
  std::size_t next_capacity() const noexcept { return block_size_ - sizeof(Index); }

  RobustMutex mutex_;
  std::uint32_t block_size_ = 0, meta_size_ = 0, block_count_ = 0, bucket_count_ = 0;
  std::uint32_t blocks_at_ = 0;  ///< where the first block stands, from this object
  Index free_ = 0;               ///< list of blocks given back
  Index unused_ = 1;             ///< blocks from here on were never taken
  Index newest_ = 0, oldest_ = 0;
  std::int64_t soonest_ = 0;  ///< no record expires before
  std::atomic<std::uint32_t> records_, used_blocks_;
  std::atomic<std::uint64_t> resets_;
  std::atomic<std::uint32_t> changes_;  ///< odd while one goes on
};

template <class Meta>
BlockTable::Peek BlockTable::peek(std::uint64_t hash, std::string_view key, Record& record, Meta& meta, std::string& payload) {
  constexpr std::size_t kMostSteps = 64;  // links that change may lead round and round
  const std::uint32_t changes = changes_.load(std::memory_order_acquire);
  if (changes % 2 != 0) return Peek::unsure;
  Index index = 0;
  std::memcpy(&index, &bucket(hash), sizeof index);
  const std::byte* at = nullptr;
  for (std::size_t step = 0;; ++step, index = record.collision) {
    if (index == 0 && !changed_since(changes)) return Peek::absent;
    if (index == 0 || index > block_count_ || step == kMostSteps) return Peek::unsure;
    at = block(index);
    std::memcpy(&record, at, sizeof record);
    if (record.hash == hash) break;
  }
  std::memcpy(&meta, at + sizeof record, sizeof meta);
  at += sizeof record + sizeof meta;
  if (record.key_size != key.size()) return Peek::unsure;
  // While it is changed, sizes may be anything.
  if (key.size() + record.payload_size > block_size_ - sizeof record - sizeof meta) {
    return copy_chain(record, at, key, changes, payload) ? Peek::found : Peek::unsure;
  }
  if (std::memcmp(at, key.data(), key.size()) != 0) return Peek::unsure;
  payload.append(reinterpret_cast<const char*>(at) + key.size(), record.payload_size);
  return changed_since(changes) ? Peek::unsure : Peek::found;
}

}  // namespace nacre::cache
