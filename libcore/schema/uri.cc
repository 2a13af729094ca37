#include "schema/uri.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"

namespace nacre::schema {
namespace {

constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
constexpr std::string_view kSubDelims = "!$&'()*+,;=";
constexpr std::string_view kHex = "0123456789ABCDEFabcdef";

bool contains(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

/// Unreserved characters, sub-delims, percent-encoded bytes and `others`.
bool consists_of(std::string_view text, std::string_view others) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3 || !contains(kHex, text[i + 1]) || !contains(kHex, text[i + 2])) return false;
      i += 2;
    } else if (!contains(kUnreserved, text[i]) && !contains(kSubDelims, text[i]) && !contains(others, text[i])) {
      return false;
    }
  }
  return true;
}

bool is_ip_literal(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  text = text.substr(1, text.size() - 2);
  if (text.starts_with('v')) {
    const auto dot = text.find('.');
    return dot != std::string_view::npos && dot > 1 && text.find_first_not_of(kHex, 1) == dot && dot + 1 < text.size() &&
           text.find('%') == std::string_view::npos && consists_of(text.substr(dot + 1), ":");
  }
  std::array<unsigned char, 16> address{};
  return text.size() < INET6_ADDRSTRLEN && text.find('\0') == std::string_view::npos &&
         inet_pton(AF_INET6, std::string{text}.c_str(), address.data()) == 1;
}

bool is_authority(std::string_view text) {
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    if (!consists_of(text.substr(0, at), ":")) return false;
    text.remove_prefix(at + 1);
  }
  const auto colon = text.find(':', text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0);
  if (colon != std::string_view::npos) {
    if (text.find_first_not_of("0123456789", colon + 1) != std::string_view::npos) return false;
    text = text.substr(0, colon);
  }
  return is_ip_literal(text) || consists_of(text, "");
}

/// What follows the scheme; `relative`: nothing came before.
bool is_rest(std::string_view text, bool relative) {
  if (const auto hash = text.find('#'); hash != std::string_view::npos) {
    if (!consists_of(text.substr(hash + 1), ":@/?")) return false;
    text = text.substr(0, hash);
  }
  if (const auto mark = text.find('?'); mark != std::string_view::npos) {
    if (!consists_of(text.substr(mark + 1), ":@/?")) return false;
    text = text.substr(0, mark);
  }
  if (text.starts_with("//")) {
    const auto path = std::min(text.find('/', 2), text.size());
    return is_authority(text.substr(2, path - 2)) && consists_of(text.substr(path), ":@/");
  }
  const auto first = text.substr(0, text.find('/'));
  if (relative && contains(first, ':')) return false;
  return consists_of(text, ":@/");
}

/// Length of the scheme with its colon; 0 when there is none.
std::size_t scheme_length(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return 0;
  const auto scheme = text.substr(0, colon);
  const bool good = is_letter(scheme.front()) && std::all_of(scheme.begin(), scheme.end(), [&](char c) {
                      return is_alnum(c) || contains("+-.", c);
                    });
  return good ? colon + 1 : 0;
}

}  // namespace

bool is_uri(std::string_view text) {
  const std::size_t scheme = scheme_length(text);
  return scheme > 0 && is_rest(text.substr(scheme), false);
}

bool is_uri_reference(std::string_view text) { return is_uri(text) || is_rest(text, true); }

}  // namespace nacre::schema
