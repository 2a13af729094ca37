#include "store/sqlite/stored_text.h"

#include <algorithm>
#include <cstddef>

namespace nacre::store::sqlite {
namespace {

constexpr std::string_view kNul = "\\u0000";
constexpr std::string_view kOne = "\\u0001";
constexpr std::string_view kTwo = "\\u0002";

/// Copies JSON text; of each escape, and what follows it, `replace` appends another form and gives the length that it stands
/// for, or 0.
template <class Replace>
void copy_json(std::string_view json, std::string& out, const Replace& replace) {
  out.clear();
  out.reserve(json.size() + 64);
  while (!json.empty()) {
    const std::size_t escape = std::min(json.find('\\'), json.size());
    out += json.substr(0, escape);
    json.remove_prefix(escape);
    std::size_t length = replace(json, out);
    if (length == 0) {
      length = std::min<std::size_t>(2, json.size());
      out += json.substr(0, length);
    }
    json.remove_prefix(length);
  }
}

}  // namespace

std::string to_stored(std::string_view text) {
  std::string stored;
  stored.reserve(text.size());
  for (const char c : text) {
    if (c == '\0' || c == '\1') stored += '\1';
    stored += c == '\0' || c == '\1' ? static_cast<char>(c + 1) : c;
  }
  return stored;
}

std::string_view from_stored(std::string_view stored, std::string& room) {
  if (stored.find('\1') == std::string_view::npos) return stored;
  room.clear();
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const bool pair = stored[i] == '\1' && i + 1 < stored.size() && (stored[i + 1] == '\1' || stored[i + 1] == '\2');
    if (pair) ++i;
    room += pair ? static_cast<char>(stored[i] - 1) : stored[i];
  }
  return room;
}

std::string_view json_to_stored(std::string_view json, std::string& room) {
  if (json.find("\\u000") == std::string_view::npos) return json;
  copy_json(json, room, [](std::string_view escape, std::string& out) {
    const bool nul = escape.starts_with(kNul);
    if (!nul && !escape.starts_with(kOne)) return std::size_t{0};
    out.append(kOne).append(nul ? kOne : kTwo);
    return kNul.size();
  });
  return room;
}

std::string_view json_from_stored(std::string_view stored, std::string& room) {
  if (stored.find(kOne) == std::string_view::npos) return stored;
  copy_json(stored, room, [](std::string_view escape, std::string& out) {
    if (!escape.starts_with(kOne)) return std::size_t{0};
    const std::string_view second = escape.substr(kOne.size());
    if (!second.starts_with(kOne) && !second.starts_with(kTwo)) return std::size_t{0};
    out += second.starts_with(kOne) ? kNul : kOne;
    return kOne.size() + kTwo.size();
  });
  return room;
}

}  // namespace nacre::store::sqlite
