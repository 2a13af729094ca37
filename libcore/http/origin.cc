#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "http/cors.h"

namespace nacre::http {

namespace {

struct Scheme {
  std::string_view prefix;
  std::string_view port;  // its own, which browsers leave out
};
constexpr std::array<Scheme, 2> kSchemes{{{"https://", "443"}, {"http://", "80"}}};

bool is_address(int family, std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (text.size() >= copy.size()) return false;
  std::copy(text.begin(), text.end(), copy.begin());
  return ::inet_pton(family, copy.data(), address.data()) == 1;
}

/// A name, which an address in four parts is as well; a host whose last part is a number must be such an address.
bool is_host_name(std::string_view host) noexcept {
  const auto fits = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  if (host.empty() || host.size() > 253 || !std::all_of(host.begin(), host.end(), fits)) return false;
  if (host.front() == '.' || host.back() == '.' || host.find("..") != std::string_view::npos) return false;
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return !std::all_of(last.begin(), last.end(), is_digit) || is_address(AF_INET, host);
}

bool is_host(std::string_view host) noexcept {
  if (host.starts_with('[') && host.ends_with(']')) return is_address(AF_INET6, host.substr(1, host.size() - 2));
  return is_host_name(host);
}

bool is_port(std::string_view port) noexcept {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc{} && end == port.data() + port.size() && !port.starts_with('0') && number <= 65'535;
}

}  // namespace

std::optional<std::string_view> flaw_of_origin(std::string_view text) noexcept {
  if (text == "null") return "what browsers send for sandboxed frames and files of whatever origin";
  if (text == "*") return "no origin; for all of them: origins: \"*\"";
  if (std::any_of(text.begin(), text.end(), [](char c) { return c != to_lower(c); })) return "not in lower case";
  const auto* const scheme =
      std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& s) { return text.starts_with(s.prefix); });
  if (scheme == kSchemes.end()) return "without http:// or https://";
  const std::string_view authority = text.substr(scheme->prefix.size());
  if (authority.ends_with('/')) return "with a slash at its end";
  if (authority.find_first_of("/?#") != std::string_view::npos) return "with a path";
  if (authority.find('@') != std::string_view::npos) return "with a user";
  if (authority.find('*') != std::string_view::npos) return "a pattern; each origin is written out";
  const std::size_t colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  if (!is_host(authority.substr(0, colon))) return "without a valid host";
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view port = authority.substr(colon + 1);
  if (!is_port(port)) return "without a valid port";
  if (port == scheme->port) return "with the scheme's own port, which browsers leave out";
  return std::nullopt;
}

}  // namespace nacre::http
