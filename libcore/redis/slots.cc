#include "redis/slots.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace nacre::redis {

namespace {

/// CRC-16/XMODEM, by byte.
constexpr auto kCrc = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1U) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U);
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

bool is_any(std::string_view word, std::initializer_list<std::string_view> names) noexcept {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return name.size() == word.size() && ::strncasecmp(name.data(), word.data(), word.size()) == 0;
  });
}

template <class Number>
std::optional<Number> number(std::string_view text) noexcept {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<SlotRange> read_range(const std::vector<Reply>& items, const net::Endpoint& asked) {
  if (items.size() < 3) return std::nullopt;
  const auto& master = items[2].items();
  const auto first = items[0].number();
  const auto last = items[1].number();
  if (master.size() < 2 || first < 0 || first > last || last >= static_cast<std::int64_t>(kSlots)) return std::nullopt;
  const auto port = master[1].number();
  const std::string& host = master[0].text();
  if (host == "?" || port <= 0 || port > 65535) return std::nullopt;
  return SlotRange{static_cast<std::uint16_t>(first),
                   static_cast<std::uint16_t>(last),
                   {host.empty() ? asked.host : host, static_cast<std::uint16_t>(port)}};
}

}  // namespace

std::uint16_t slot_of(std::string_view key) noexcept {
  if (const auto open = key.find('{'); open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  unsigned crc = 0;
  for (const char c : key) crc = ((crc << 8U) ^ kCrc[((crc >> 8U) ^ static_cast<unsigned char>(c)) & 0xffU]) & 0xffffU;
  return static_cast<std::uint16_t>(crc % kSlots);
}

std::optional<std::string_view> key_of(Words words) noexcept {
  if (words.size() < 2) return std::nullopt;
  if (is_any(words[0], {"EVAL", "EVALSHA", "FCALL"})) {
    return words.size() > 3 && words[2] != "0" ? std::optional(words[3]) : std::nullopt;
  }
  if (is_any(words[0], {"OBJECT", "XINFO", "XGROUP", "MEMORY"})) {
    return words.size() > 2 ? std::optional(words[2]) : std::nullopt;
  }
  if (is_any(words[0], {"PING", "ECHO", "PUBLISH", "SCRIPT", "INFO", "CLUSTER", "CONFIG", "CLIENT", "ACL", "WAIT", "SCAN"})) {
    return std::nullopt;
  }
  return words[1];
}

Result<std::vector<SlotRange>> read_slots(const Reply& reply, const net::Endpoint& asked) {
  std::vector<SlotRange> ranges;
  for (const Reply& item : reply.items()) {
    if (auto range = read_range(item.items(), asked)) ranges.push_back(std::move(*range));
  }
  if (!ranges.empty()) return ranges;
  Failure failure(Error::unavailable);
  failure.internal = asked.to_string() + ": " + (reply.is_error() ? reply.text() : "knows of no slots");
  return failure;
}

std::optional<Redirection> read_redirection(std::string_view error, const net::Endpoint& asked) {
  std::array<std::string_view, 3> words;
  for (std::string_view& word : words) {
    word = error.substr(0, error.find(' '));
    error.remove_prefix(std::min(word.size() + 1, error.size()));
  }
  if (words[0] != "MOVED" && words[0] != "ASK") return std::nullopt;
  const auto slot = number<std::uint16_t>(words[1]);
  const auto colon = words[2].rfind(':');
  if (!slot || *slot >= kSlots || colon == std::string_view::npos) return std::nullopt;
  const auto port = number<std::uint16_t>(words[2].substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  std::string host(words[2].substr(0, colon));
  if (host.empty()) host = asked.host;
  return Redirection{words[0] == "MOVED", *slot, {std::move(host), *port}};
}

}  // namespace nacre::redis
