#pragma once

#include <optional>
#include <string_view>

namespace nacre::config {

/// Of an `http:` or `https:` URI (RFC 9110 §4.2).
struct WebAddress {
  bool tls = false;
  std::string_view host;  ///< an IPv6 address with its brackets
};

/// nullopt: no such URI. One with a user, a query or a fragment is none here: what is asked for takes no part of it.
std::optional<WebAddress> parse_web_address(std::string_view text) noexcept;

/// `localhost`, 127.0.0.0/8, [::1].
bool is_loopback(std::string_view host) noexcept;

/// `smtps://` or `smtp://`, a host, and a user with a password or without before it.
bool is_mail_server(std::string_view text) noexcept;

}  // namespace nacre::config
