#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace nacre {

/// Everything that can go wrong while a request is answered. `http_status` is the one table from here to HTTP.
enum class Error : std::uint8_t {
  bad_request,             ///< 400: not JSON, bad parameter, bad header
  unauthenticated,         ///< 401: a credential is needed
  invalid_token,           ///< 401: the credential is bad, expired or revoked
  forbidden,               ///< 403: the credential does not allow it
  not_found,               ///< 404
  method_not_allowed,      ///< 405
  conflict,                ///< 409: unique index, failed JSON Patch `test`, idempotent request still running
  remembered,              ///< 409: the store remembers a value for this key already, and has written nothing
  precondition_failed,     ///< 412: If-Match or If-None-Match (RFC 9110 §13.1)
  too_large,               ///< 413
  unsupported_media_type,  ///< 415
  unprocessable,           ///< 422: fails the schema, or an idempotency key used for another body
  rate_limited,            ///< 429
  internal,                ///< 500: a defect or an exception
  unavailable,             ///< 503: store or cache away, disk full
  overloaded,              ///< 503: a queue or pool is full
  deadline,                ///< 504: the request's deadline passed
  cancelled,               ///< no answer: the client went away
};

/// The HTTP status of an error. `cancelled` gives 499, which no client sees.
int http_status(Error error) noexcept;

/// One place in a body that fails its schema. `pointer` is a JSON Pointer (RFC 6901), "" for the whole document.
struct FieldError {
  std::string pointer;
  std::string detail;
  bool operator==(const FieldError&) const = default;
};

/// An error with what the client may be told about it (`detail`, `errors`) and what only operators may (`internal`).
struct Failure {
  Failure() = default;
  Failure(Error e, std::string d = {}) : error(e), detail(std::move(d)) {}  // NOLINT(google-explicit-constructor)

  Error error = Error::internal;
  std::string detail;                                 ///< for the client; never holds internals or secrets
  std::string internal{};                             ///< for the log, and for the client where `debug: true`
  std::vector<FieldError> errors{};                   ///< RFC 9457 extension member
  std::optional<std::chrono::seconds> retry_after{};  ///< Retry-After of 429 and 503; the default is 1 s
};

/// "422 title is required": for logs and test reports.
std::ostream& operator<<(std::ostream& out, const Failure& failure);

/// A value or a Failure. `if (!result) return result.error();`
template <class T>
using Result = boost::system::result<T, Failure>;

}  // namespace nacre
