#include "base/error.h"

#include <ostream>

namespace nacre {

int http_status(Error error) noexcept {
  switch (error) {
    case Error::bad_request:
      return 400;
    case Error::unauthenticated:
    case Error::invalid_token:
      return 401;
    case Error::forbidden:
      return 403;
    case Error::not_found:
      return 404;
    case Error::method_not_allowed:
      return 405;
    case Error::conflict:
    case Error::remembered:
      return 409;
    case Error::precondition_failed:
      return 412;
    case Error::too_large:
      return 413;
    case Error::unsupported_media_type:
      return 415;
    case Error::unprocessable:
      return 422;
    case Error::rate_limited:
      return 429;
    case Error::internal:
      return 500;
    case Error::unavailable:
    case Error::overloaded:
      return 503;
    case Error::deadline:
      return 504;
    case Error::cancelled:
      return 499;
  }
  return 500;
}

std::ostream& operator<<(std::ostream& out, const Failure& failure) {
  out << http_status(failure.error) << ' ' << failure.detail;
  if (!failure.internal.empty()) out << " (" << failure.internal << ')';
  for (const FieldError& error : failure.errors) out << "; " << error.pointer << ' ' << error.detail;
  return out;
}

}  // namespace nacre
