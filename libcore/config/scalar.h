#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "config/config.h"

/// What the text of one scalar means. nullopt: it does not mean that.
namespace nacre::config {

/// What plain text stands for in the YAML 1.2 core schema (§10.3.2): null, boolean, number, else string. Integers are exact up
/// to 64 bits. nullopt: an integer that 64 bits can't hold, infinity, not a number.
std::optional<Json> parse_plain(std::string_view text);

/// "250ms", "5s", "5m", "24h", "14d". At most 10,000 days.
std::optional<Milliseconds> parse_duration(std::string_view text) noexcept;

/// The same, in the largest unit that divides it.
std::string format_duration(Milliseconds duration);

struct Rate {
  std::uint32_t count = 0;
  Milliseconds period{};
};

/// "50/s", "100/m", "1000/h", "5000/d"; 1 to 1,000,000.
std::optional<Rate> parse_rate(std::string_view text) noexcept;

/// "public", "user", "owner", "role:NAME", "nobody"; NAME is 1 to 64 of A-Za-z0-9_.-
std::optional<AccessRule> parse_access_rule(std::string_view text);

/// A dotted path of field names, "-" before it for descending: "title", "-author.name", "_created". At most 200 bytes.
std::optional<IndexKey> parse_index_key(std::string_view text);

/// [a-z][a-z0-9_-]*, at most 64 bytes. Whether the name is taken is not its business.
bool is_resource_name(std::string_view text) noexcept;

/// A token of RFC 9110 §5.6.2, at most 64 bytes: what a cookie may be called (RFC 6265 §4.1.1).
bool is_token(std::string_view text) noexcept;

}  // namespace nacre::config
