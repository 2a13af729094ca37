#include "config/web_address.h"

#include <algorithm>

#include "base/ascii.h"

namespace nacre::config {
namespace {

bool cut_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!equals_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_visible_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_host_name(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '-' || c == '.'; });
}

bool is_address_in_brackets(std::string_view text) noexcept {
  return text.size() > 2 && text.starts_with('[') && text.ends_with(']') &&
         std::all_of(text.begin() + 1, text.end() - 1, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

/// The host of "HOST" or "HOST:PORT"; "" when it is neither.
std::string_view host_of(std::string_view authority) noexcept {
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) return {};
  return is_host_name(host) || is_address_in_brackets(host) ? host : std::string_view{};
}

}  // namespace

std::optional<WebAddress> parse_web_address(std::string_view text) noexcept {
  WebAddress address;
  address.tls = cut_prefix(text, "https://");
  if (!address.tls && !cut_prefix(text, "http://")) return std::nullopt;
  if (!is_visible_ascii(text) || text.find_first_of("?#\"<>\\^`{|}") != std::string_view::npos) return std::nullopt;
  address.host = host_of(text.substr(0, text.find('/')));
  if (address.host.empty()) return std::nullopt;
  return address;
}

bool is_loopback(std::string_view host) noexcept {
  const bool is_ipv4 = std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
  return equals_ignoring_case(host, "localhost") || host == "[::1]" || (is_ipv4 && host.starts_with("127."));
}

bool is_mail_server(std::string_view text) noexcept {
  if (!cut_prefix(text, "smtps://") && !cut_prefix(text, "smtp://")) return false;
  if (text.ends_with('/')) text.remove_suffix(1);
  const std::size_t at = text.rfind('@');
  return is_visible_ascii(text) && !host_of(at == std::string_view::npos ? text : text.substr(at + 1)).empty();
}

}  // namespace nacre::config
