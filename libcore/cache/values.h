#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "cache/block_table.h"

namespace nacre::cache {

/// Operations on one shard of the small values: counters and marks, which stay until they expire or are erased. Expired ones
/// are reclaimed as new ones come; where all that are there live, a new one gets Error::overloaded.
class Values {
 public:
  explicit Values(BlockTable& table) noexcept : table_(table) {}

  /// Small blocks: most values are a number under a short key.
  static constexpr std::uint32_t kBlockSize = 128;
  static BlockTable& format(std::span<std::byte> memory) noexcept;

  Result<std::int64_t> increment(std::uint64_t hash, std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl,
                                 Monotonic now);
  std::optional<std::string> get(std::uint64_t hash, std::string_view key, Monotonic now);
  /// `only_new`: false instead of replacing one that is there.
  Result<bool> put(std::uint64_t hash, std::string_view key, std::string_view value, std::optional<Milliseconds> ttl,
                   bool only_new, Monotonic now);
  bool erase(std::uint64_t hash, std::string_view key, Monotonic now);

 private:
  BlockTable& table_;
};

}  // namespace nacre::cache
