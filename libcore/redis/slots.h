#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/dial.h"
#include "redis/reply.h"
#include "redis/words.h"

/// How a cluster shares out its keys: https://redis.io/docs/reference/cluster-spec/
namespace nacre::redis {

inline constexpr std::size_t kSlots = 16'384;

/// The slot of a key: CRC16 of it, or of what stands in its first {}.
std::uint16_t slot_of(std::string_view key) noexcept;

/// The key that says where a command goes; nullopt when any server will do.
std::optional<std::string_view> key_of(Words words) noexcept;

/// Slots that one master serves.
struct SlotRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  net::Endpoint master;
  bool operator==(const SlotRange&) const = default;
};

/// Reads the reply to CLUSTER SLOTS that `asked` gave. Error::unavailable when it says of no slot where it is.
Result<std::vector<SlotRange>> read_slots(const Reply& reply, const net::Endpoint& asked);

/// "MOVED 3999 127.0.0.1:6381" or "ASK 3999 127.0.0.1:6381": go there, now on or this once.
struct Redirection {
  bool for_good = false;
  std::uint16_t slot = 0;
  net::Endpoint to;
};

/// nullopt when an error of `asked` is none.
std::optional<Redirection> read_redirection(std::string_view error, const net::Endpoint& asked);

}  // namespace nacre::redis
