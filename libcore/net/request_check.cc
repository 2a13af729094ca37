#include "net/request_check.h"

#include <algorithm>

namespace nacre::net {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_url(std::string_view url) noexcept {
  const auto has_scheme = [&](std::string_view scheme) { return same_name(url.substr(0, scheme.size()), scheme); };
  return (has_scheme("http://") || has_scheme("https://")) &&
         std::none_of(url.begin(), url.end(), [](char c) { return is_control(c) || c == ' '; });
}

/// RFC 9110 §5.5.
bool is_field_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; });
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

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

Result<void> check(const HttpRequest& request) {
  if (!is_token(request.method)) return malformed("the method of an HTTP call is no token");
  if (!is_url(request.url)) return malformed("the URL of an HTTP call is not http or https, or not percent-encoded");
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return malformed("the name of a header of an HTTP call is no token");
    if (!is_field_value(value)) return malformed("the value of a header of an HTTP call holds control characters");
    if (is_framing(name)) return malformed("an HTTP call sets Content-Length or Transfer-Encoding itself");
  }
  return {};
}

}  // namespace nacre::net
