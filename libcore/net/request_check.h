#pragma once

#include <string_view>

#include "base/error.h"
#include "net/http_client.h"

namespace nacre::net {

/// What libcurl would pass on as it is: refuses whatever could end a line of the request or open another one, and headers
/// that say where the body ends. Error::internal, for it is the handler that made the request.
Result<void> check(const HttpRequest& request);

/// Equal header names (ASCII case-insensitive).
bool same_name(std::string_view a, std::string_view b) noexcept;

}  // namespace nacre::net
