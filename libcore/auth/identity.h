#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/config.h"
#include "http/request.h"

namespace nacre::auth {

/// The request headers that tell who asks: what an answer that depends on it varies by (RFC 9110 §12.5.5).
inline constexpr std::string_view kCredentialHeaders = "Authorization, Cookie";

/// Who asks. No user is known yet to this server, so whatever needs one answers 401.
struct Identity {
  std::optional<std::string> user;
};

/// Reads the request's credential: none is an anonymous client. Error::invalid_token for a bearer token that is not good
/// (RFC 6750 §3.1).
Result<Identity> identify(const http::Request& request);

/// Whether `rule` lets `identity` in. Error::unauthenticated when a known user might be, Error::forbidden when nobody is.
Result<void> authorize(const config::AccessRule& rule, const Identity& identity);

}  // namespace nacre::auth
