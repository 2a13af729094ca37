#include "http/uri_path.h"

#include "base/ascii.h"

namespace nacre::http {

namespace {

int hex_value(char c) noexcept { return is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10; }

std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void drop_last_segment(std::string& path) {
  const std::size_t slash = path.rfind('/');
  path.resize(slash == std::string::npos ? 0 : slash);
}

constexpr bool may_stand_in_path(char c) noexcept {
  return is_alnum(c) || std::string_view("/-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

}  // namespace

std::string normalize_path(std::string_view target, bool merge_slashes) {
  const std::string decoded = percent_decoded(target.substr(0, target.find_first_of("?#")));
  std::string path;
  std::string_view rest = decoded;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    if (segment == "..") {
      drop_last_segment(path);
    } else if (segment != "." && !(segment.empty() && (merge_slashes || last))) {
      path.append(1, '/').append(segment);
    }
    if (last) {
      if (segment.empty() || segment == "." || segment == "..") path += '/';
      return path;
    }
    rest.remove_prefix(slash + 1);
  }
}

std::string encode_path(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(path.size());
  for (const char c : path) {
    if (may_stand_in_path(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
    }
  }
  return out;
}

std::optional<std::string> prefix_before(std::string_view path, std::string_view target, bool merge_slashes) {
  const std::string whole = normalize_path(target, merge_slashes);
  if (!path.starts_with('/') || !whole.ends_with(path)) return std::nullopt;
  std::string_view prefix = std::string_view(whole).substr(0, whole.size() - path.size());
  while (prefix.starts_with("//")) prefix.remove_prefix(1);
  return encode_path(prefix == "/" ? std::string_view{} : prefix);
}

}  // namespace nacre::http
