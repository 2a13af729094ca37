#include "store/mongo/id.h"

namespace nacre::store::mongo {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

}  // namespace

std::optional<ObjectId> parse_object_id(std::string_view text) noexcept {
  ObjectId id{};
  if (text.size() != 2 * id.size()) return std::nullopt;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const std::size_t high = kHex.find(text[2 * i]);
    const std::size_t low = kHex.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    id[i] = static_cast<char>(high << 4U | low);
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

void write_id(BsonWriter& bson, std::string_view name, std::string_view id) {
  if (const auto object_id = parse_object_id(id)) {
    bson.object_id(name, *object_id);
  } else {
    bson.string(name, id);
  }
}

}  // namespace nacre::store::mongo
