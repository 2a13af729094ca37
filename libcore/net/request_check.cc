#include "net/request_check.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/syntax.h"

namespace nacre::net {

namespace {

bool is_url(std::string_view url) noexcept {
  const auto has_scheme = [&](std::string_view scheme) { return same_name(url.substr(0, scheme.size()), scheme); };
  return (has_scheme("http://") || has_scheme("https://")) &&
         std::none_of(url.begin(), url.end(), [](char c) { return http::is_control(c) || c == ' '; });
}

/// Headers that frame the message: two opinions on its length are two requests.
bool is_framing(std::string_view name) noexcept {
  return same_name(name, "Content-Length") || same_name(name, "Transfer-Encoding");
}

Failure malformed(const char* what) {
  Failure failure(Error::internal);
  failure.internal = what;
  return failure;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) noexcept { return equals_ignoring_case(a, b); }

Result<void> check(const HttpRequest& request) {
  if (!http::is_token(request.method)) return malformed("the method of an HTTP call is no token");
  if (!is_url(request.url)) return malformed("the URL of an HTTP call is not http or https, or not percent-encoded");
  for (const auto& [name, value] : request.headers) {
    if (!http::is_token(name)) return malformed("the name of a header of an HTTP call is no token");
    if (!http::is_field_value(value)) return malformed("the value of a header of an HTTP call holds control characters");
    if (is_framing(name)) return malformed("an HTTP call sets Content-Length or Transfer-Encoding itself");
  }
  return {};
}

}  // namespace nacre::net
