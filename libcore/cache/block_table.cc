#include "cache/block_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

namespace nacre::cache {

namespace {

// Written under the lock only: a plain read and write, atomic for those who read without it.
template <class T>
void add(std::atomic<T>& counter, std::type_identity_t<T> by) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

/// Marks the table as being changed: for those who read without the lock, and for its next holder if this process dies
/// meanwhile (the kernel orders the stores of a dying process before it passes the lock on).
class BlockTable::Change {
 public:
  explicit Change(BlockTable& table) noexcept
      : table_(table), count_(table.changes_.load(std::memory_order_relaxed) | 1U) {  // odd already where a holder died
    table_.changes_.store(count_, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
  }
  ~Change() { table_.changes_.store(count_ + 1, std::memory_order_release); }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

 private:
  BlockTable& table_;
  std::uint32_t count_;
};

/// Copies a chain that may be changed under its hands: every index is judged before it is followed, and whoever calls has to
/// ask afterwards whether what was copied was one state.
class BlockTable::Copier {
 public:
  /// From `at` on, behind the head of a record and the user's own part.
  Copier(BlockTable& table, const Record& record, const std::byte* at) noexcept
      : table_(table), at_(at), left_(table.first_capacity()), next_(record.next) {}

  /// Calls `take` with the next `size` bytes in pieces; false where the chain ends too early or `take` does not want more.
  template <class Take>
  bool read(std::size_t size, Take take) {
    for (;;) {
      const std::size_t length = std::min(size, left_);
      if (!take(std::string_view(reinterpret_cast<const char*>(at_), length))) return false;
      size -= length;
      if (size == 0) {
        at_ += length;
        left_ -= length;
        return true;
      }
      if (next_ == 0 || next_ > table_.block_count_) return false;
      at_ = table_.block(next_);
      std::memcpy(&next_, at_, sizeof next_);
      at_ += sizeof next_;
      left_ = table_.next_capacity();
    }
  }

 private:
  BlockTable& table_;
  const std::byte* at_;
  std::size_t left_;
  Index next_;
};

BlockTable::Lock::Lock(BlockTable& table) noexcept : table_(table) {
  if (table_.mutex_.lock() && table_.changes_.load(std::memory_order_relaxed) % 2 != 0) {
    add(table_.resets_, 1);
    table_.reset();
  }
}

BlockTable& BlockTable::format(std::span<std::byte> memory, std::uint32_t block_size, std::uint32_t meta_size) noexcept {
  auto& table = *::new (memory.data()) BlockTable();
  table.mutex_.init();
  table.block_size_ = block_size;
  table.meta_size_ = meta_size;
  table.bucket_count_ = std::max<std::uint32_t>(1, std::bit_floor(static_cast<std::uint32_t>(memory.size() / block_size)));
  table.blocks_at_ = static_cast<std::uint32_t>(align(sizeof(BlockTable) + table.bucket_count_ * sizeof(Index)));
  table.block_count_ = static_cast<std::uint32_t>((memory.size() - table.blocks_at_) / block_size);
  table.resets_.store(0, std::memory_order_relaxed);
  table.reset();
  return table;
}

void BlockTable::reset() noexcept {
  const Change change(*this);
  std::fill_n(buckets(), bucket_count_, 0);
  free_ = newest_ = oldest_ = 0;
  soonest_ = std::numeric_limits<std::int64_t>::max();
  unused_ = 1;
  records_.store(0, std::memory_order_relaxed);
  used_blocks_.store(0, std::memory_order_relaxed);
}

BlockTable::Index BlockTable::index_of(const Record& record) noexcept {
  return static_cast<Index>((reinterpret_cast<const std::byte*>(&record) - block(1)) / block_size_) + 1;
}

std::size_t BlockTable::blocks_for(std::size_t key_size, std::size_t payload_size) const noexcept {
  const std::size_t size = key_size + payload_size;
  if (size <= first_capacity()) return 1;
  return 1 + (size - first_capacity() + next_capacity() - 1) / next_capacity();
}

BlockTable::Record* BlockTable::find(std::uint64_t hash, std::string_view key) noexcept {
  for (Record* at = record(bucket(hash)); at != nullptr; at = record(at->collision)) {
    if (at->hash == hash && at->key_size == key.size() && Reader(*this, *at).equals(key)) return at;
  }
  return nullptr;
}

/// Copies the payload of a record that goes on in further blocks, if it has this key; `at`: where its key begins.
bool BlockTable::copy_chain(const Record& record, const std::byte* at, std::string_view key, std::uint32_t changes,
                            std::string& payload) {
  Copier copier(*this, record, at);
  const bool same = copier.read(key.size(), [&](std::string_view piece) {
    const bool starts = key.starts_with(piece);
    if (starts) key.remove_prefix(piece.size());
    return starts;
  });
  if (!same || changed_since(changes)) return false;  // else the size may be anything
  payload.reserve(record.payload_size);
  const bool whole = copier.read(record.payload_size, [&](std::string_view piece) {
    payload += piece;
    return true;
  });
  return whole && !changed_since(changes);
}

BlockTable::Index BlockTable::take_block() noexcept {
  if (free_ == 0) return unused_++;
  const Index taken = free_;
  free_ = *reinterpret_cast<Index*>(block(taken));
  return taken;
}

BlockTable::Record* BlockTable::insert(std::uint64_t hash, std::string_view key, std::int64_t expires,
                                       std::span<const std::byte> meta, std::span<const std::string_view> payload) noexcept {
  std::size_t payload_size = 0;
  for (const std::string_view part : payload) payload_size += part.size();
  const std::size_t blocks = blocks_for(key.size(), payload_size);
  if (blocks > free_blocks()) return nullptr;

  const Change change(*this);
  const Index first = take_block();
  Record& added = *record(first);
  added = Record{0,
                 first,
                 bucket(hash),
                 0,
                 0,
                 static_cast<std::uint32_t>(key.size()),
                 static_cast<std::uint32_t>(payload_size),
                 static_cast<std::uint32_t>(blocks),
                 hash,
                 expires};
  std::byte* at = reinterpret_cast<std::byte*>(&added + 1);
  std::memcpy(at, meta.data(), meta.size());
  at += meta_size_;
  std::size_t left = first_capacity();
  const auto write = [&](std::string_view text) {
    while (!text.empty()) {
      if (left == 0) {
        const Index next = take_block();
        *reinterpret_cast<Index*>(block(added.last)) = next;
        *reinterpret_cast<Index*>(block(next)) = 0;
        added.last = next;
        at = block(next) + sizeof(Index);
        left = next_capacity();
      }
      const std::size_t size = std::min(left, text.size());
      std::memcpy(at, text.data(), size);
      at += size;
      left -= size;
      text.remove_prefix(size);
    }
  };
  write(key);
  for (const std::string_view part : payload) write(part);

  bucket(hash) = first;
  link_newest(added, first);
  soonest_ = std::min(soonest_, expires);
  add(records_, 1);
  add(used_blocks_, static_cast<std::uint32_t>(blocks));
  return &added;
}

void BlockTable::erase(Record& record) noexcept {
  const Change change(*this);
  const Index index = index_of(record);
  Index* link = &bucket(record.hash);
  while (*link != index) link = &this->record(*link)->collision;
  *link = record.collision;
  unlink(record);
  *reinterpret_cast<Index*>(block(record.last)) = free_;
  free_ = index;
  add(records_, static_cast<std::uint32_t>(-1));
  add(used_blocks_, static_cast<std::uint32_t>(-record.blocks));
}

void BlockTable::touch(Record& record) noexcept {
  const Index index = index_of(record);
  if (newest_ == index) return;
  const Change change(*this);
  unlink(record);
  link_newest(record, index);
}

void BlockTable::reclaim(std::size_t count, std::int64_t now) noexcept {
  if (soonest_ > now) return;
  const bool all = count >= records();
  std::int64_t soonest = std::numeric_limits<std::int64_t>::max();
  for (count = std::min(count, records()); count > 0; --count) {
    Record& next = *oldest();
    if (next.expires <= now) {
      erase(next);
    } else {
      soonest = std::min(soonest, next.expires);
      touch(next);
    }
  }
  if (all) soonest_ = soonest;
}

void BlockTable::link_newest(Record& record, Index index) noexcept {
  record.newer = 0;
  record.older = newest_;
  (newest_ == 0 ? oldest_ : this->record(newest_)->newer) = index;
  newest_ = index;
}

void BlockTable::unlink(Record& record) noexcept {
  (record.newer == 0 ? newest_ : this->record(record.newer)->older) = record.older;
  (record.older == 0 ? oldest_ : this->record(record.older)->newer) = record.newer;
}

BlockTable::Reader BlockTable::payload(Record& record) noexcept {
  Reader reader(*this, record);
  reader.skip(record.key_size);
  return reader;
}

BlockTable::Reader::Reader(BlockTable& table, Record& record) noexcept
    : table_(table),
      next_(record.next),
      at_(reinterpret_cast<std::byte*>(&record + 1) + table.meta_size_),
      left_(table.first_capacity()) {}

std::size_t BlockTable::Reader::piece(std::size_t wanted) noexcept {
  if (left_ == 0) {
    std::byte* const block = table_.block(next_);
    next_ = *reinterpret_cast<Index*>(block);
    at_ = block + sizeof(Index);
    left_ = table_.next_capacity();
  }
  return std::min(wanted, left_);
}

void BlockTable::Reader::skip(std::size_t size) noexcept {
  while (size > 0) size -= advance(piece(size));
}

void BlockTable::Reader::append(std::size_t size, std::string& text) {
  while (size > 0) {
    const std::size_t length = piece(size);
    text.append(reinterpret_cast<const char*>(at_), length);
    size -= advance(length);
  }
}

bool BlockTable::Reader::equals(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = piece(text.size());
    if (std::memcmp(at_, text.data(), length) != 0) return false;
    text.remove_prefix(advance(length));
  }
  return true;
}

bool BlockTable::intact() noexcept {
  const Lock lock(*this);
  std::size_t seen = 0, blocks = 0;
  Index newer = 0;
  for (Index i = newest_; i != 0; newer = i, i = record(i)->older) {
    Record& at = *record(i);
    if (++seen > records() || at.newer != newer) return false;
    std::size_t chain = 1;
    for (Index b = at.next, last = i; last != at.last; last = b, b = *reinterpret_cast<Index*>(block(b))) {
      if (b == 0 || ++chain > at.blocks) return false;
    }
    Index link = bucket(at.hash);
    for (std::size_t steps = 0; link != i; link = record(link)->collision) {
      if (link == 0 || ++steps > records()) return false;
    }
    blocks += chain;
  }
  std::size_t free = block_count_ - (unused_ - 1);
  for (Index b = free_; b != 0; b = *reinterpret_cast<Index*>(block(b))) {
    if (++free > block_count_) return false;
  }
  return seen == records() && oldest_ == newer && blocks == used_blocks() && free == free_blocks();
}

}  // namespace nacre::cache
