#include "schema/uri.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"
#include "json/utf8.h"
#include "schema/resolve.h"

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
  if (text.starts_with('v') || text.starts_with('V')) {
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

/// An IRI with a letter in the place of each character beyond ASCII: they may stand where letters may, the scheme excepted.
std::string with_letters(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const auto length = std::max<std::size_t>(utf8_sequence(text, i), 1);
    const bool is_control = length == 2 && text[i] == '\xC2' && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    result += length == 1 || is_control ? text[i] : 'a';
    i += length;
  }
  const auto scheme = scheme_length(result);
  return text.substr(0, scheme) == std::string_view(result).substr(0, scheme) ? result : std::string(text);
}

}  // namespace

bool is_uri(std::string_view text) {
  const std::size_t scheme = scheme_length(text);
  return scheme > 0 && is_rest(text.substr(scheme), false);
}

bool is_iri(std::string_view text) { return is_uri(with_letters(text)); }
bool is_iri_reference(std::string_view text) { return is_uri_reference(with_letters(text)); }

bool is_uri_reference(std::string_view text) { return is_uri(text) || is_rest(text, true); }

}  // namespace nacre::schema
