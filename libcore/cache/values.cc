#include "cache/values.h"

#include <charconv>
#include <limits>

namespace nacre::cache {

namespace {

/// A value is a number, counted in place, or text (the record's payload).
struct ValueMeta {
  std::int64_t number;
  std::uint64_t is_number;
};

using Record = BlockTable::Record;

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kReclaimedEachTime = 8;

std::int64_t expiry(std::optional<Milliseconds> ttl, Monotonic now) {
  return ttl ? static_cast<std::int64_t>(now + *ttl) : kNever;
}

bool expired(const Record& record, Monotonic now) { return record.expires <= static_cast<std::int64_t>(now); }

Record* find_live(BlockTable& table, std::uint64_t hash, std::string_view key, Monotonic now) {
  Record* const found = table.find(hash, key);
  if (found == nullptr || !expired(*found, now)) return found;
  table.erase(*found);
  return nullptr;
}

Result<void> add(BlockTable& table, std::uint64_t hash, std::string_view key, std::int64_t expires, ValueMeta meta,
                 std::string_view text, Monotonic now) {
  const std::size_t blocks = table.blocks_for(key.size(), text.size());
  if (blocks > table.block_count() / 2) return Error::too_large;
  // A few at each addition keep pace with what expires; only a full table is searched as a whole.
  table.reclaim(kReclaimedEachTime, static_cast<std::int64_t>(now));
  if (blocks > table.free_blocks()) table.reclaim(table.records(), static_cast<std::int64_t>(now));
  if (table.insert(hash, key, expires, meta, std::span(&text, 1)) == nullptr) return Error::overloaded;
  return {};
}

std::string text_of(BlockTable& table, Record& record) {
  if (record.meta<ValueMeta>().is_number != 0) return std::to_string(record.meta<ValueMeta>().number);
  std::string text;
  text.reserve(record.payload_size);
  table.payload(record).append(record.payload_size, text);
  return text;
}

std::optional<std::int64_t> number_of(BlockTable& table, Record& record) {
  if (record.meta<ValueMeta>().is_number != 0) return record.meta<ValueMeta>().number;
  constexpr std::size_t kLongest = std::numeric_limits<std::int64_t>::digits10 + 2;
  if (record.payload_size > kLongest) return std::nullopt;
  const std::string text = text_of(table, record);
  std::int64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

BlockTable& Values::format(std::span<std::byte> memory) noexcept {
  return BlockTable::format(memory, kBlockSize, sizeof(ValueMeta));
}

Result<std::int64_t> Values::increment(std::uint64_t hash, std::string_view key, std::int64_t by,
                                       std::optional<Milliseconds> ttl, Monotonic now) {
  const BlockTable::Lock table(table_);
  Record* const found = find_live(*table, hash, key, now);
  if (found == nullptr) {
    const Result<void> added = add(*table, hash, key, expiry(ttl, now), ValueMeta{by, 1}, {}, now);
    if (!added) return added.error();
    return by;
  }
  const std::optional<std::int64_t> before = number_of(*table, *found);
  std::int64_t after = 0;
  if (!before || __builtin_add_overflow(*before, by, &after)) return Failure(Error::conflict, "The value can't be counted.");
  found->meta<ValueMeta>().number = after;
  found->meta<ValueMeta>().is_number = 1;
  return after;
}

std::optional<std::string> Values::get(std::uint64_t hash, std::string_view key, Monotonic now) {
  const BlockTable::Lock table(table_);
  Record* const found = find_live(*table, hash, key, now);
  if (found == nullptr) return std::nullopt;
  return text_of(*table, *found);
}

Result<bool> Values::put(std::uint64_t hash, std::string_view key, std::string_view value, std::optional<Milliseconds> ttl,
                         bool only_new, Monotonic now) {
  const BlockTable::Lock table(table_);
  if (Record* const found = find_live(*table, hash, key, now)) {
    if (only_new) return false;
    const std::size_t blocks = table->blocks_for(key.size(), value.size());
    if (blocks > table->block_count() / 2) return Error::too_large;
    // The old value stays when there is no room for the new one, and its own blocks count as room.
    if (blocks > table->free_blocks() + found->blocks) table->reclaim(table->records(), static_cast<std::int64_t>(now));
    if (blocks > table->free_blocks() + found->blocks) return Error::overloaded;
    table->erase(*found);
  }
  const Result<void> added = add(*table, hash, key, expiry(ttl, now), ValueMeta{0, 0}, value, now);
  if (!added) return added.error();
  return true;
}

bool Values::erase(std::uint64_t hash, std::string_view key, Monotonic now) {
  const BlockTable::Lock table(table_);
  Record* const found = find_live(*table, hash, key, now);
  if (found == nullptr) return false;
  table->erase(*found);
  return true;
}

}  // namespace nacre::cache
