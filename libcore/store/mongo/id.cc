#include "store/mongo/id.h"

#include <charconv>
#include <system_error>

namespace nacre::store::on_mongo {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// The byte that two hex digits are, or -1.
int byte_at(std::string_view text, std::size_t at) noexcept {
  const std::size_t high = kHex.find(text[at]);
  const std::size_t low = kHex.find(text[at + 1]);
  return high == std::string_view::npos || low == std::string_view::npos ? -1 : static_cast<int>(high << 4U | low);
}

/// The number whose text it is.
std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && std::to_string(number) == text ? std::optional(number) : std::nullopt;
}

/// RFC 9562 §4, in lower case.
std::optional<std::array<char, 16>> parse_uuid(std::string_view text) {
  constexpr std::size_t kLength = 36;
  if (text.size() != kLength) return std::nullopt;
  std::array<char, 16> uuid{};
  std::size_t at = 0;
  for (char& byte : uuid) {
    const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
    if (dash && text[at++] != '-') return std::nullopt;
    const int value = byte_at(text, at);
    if (value < 0) return std::nullopt;
    byte = static_cast<char>(value);
    at += 2;
  }
  return uuid;
}

}  // namespace

std::optional<ObjectId> parse_object_id(std::string_view text) noexcept {
  ObjectId id{};
  if (text.size() != 2 * id.size()) return std::nullopt;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const int value = byte_at(text, 2 * i);
    if (value < 0) return std::nullopt;
    id[i] = static_cast<char>(value);
  }
  return id;
}

void append_hex(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  }
}

std::optional<std::string> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int byte = byte_at(text, i);
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

void write_id(BsonWriter& bson, std::string_view name, std::string_view id) {
  if (const auto object_id = parse_object_id(id)) {
    bson.object_id(name, *object_id);
  } else {
    bson.string(name, id);
  }
}

void ForeignId::write(BsonWriter& bson, std::string_view name) const {
  if (const auto* const text = std::get_if<std::string_view>(&value)) return bson.string(name, *text);
  if (const auto* const number = std::get_if<std::int64_t>(&value)) return bson.int64(name, *number);
  bson.uuid(name, std::get<std::array<char, 16>>(value));
}

std::vector<ForeignId> foreign_ids(std::string_view id) {
  std::vector<ForeignId> ids;
  if (parse_object_id(id)) ids.push_back({id});
  if (const auto number = parse_integer(id)) ids.push_back({*number});
  if (const auto uuid = parse_uuid(id)) ids.push_back({*uuid});
  return ids;
}

}  // namespace nacre::store::on_mongo
