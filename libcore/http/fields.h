#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/request.h"

/// Request header fields beside the conditional ones.
namespace nacre::http {

/// The media type of a Content-Type, without its parameters and in lower case; nullopt when malformed. A charset other than
/// UTF-8 counts as malformed.
std::optional<std::string> media_type(std::string_view content_type);

/// Whether the body came in a coding other than `identity` (RFC 9110 §8.4), which nothing here takes off.
bool has_content_coding(const Request& request);

/// True for `Prefer: return=minimal` (RFC 7240).
bool prefers_minimal(const Request& request);

/// Idempotency-Key: a quoted string of 1 to 255 visible characters (quotes may be left out); nullopt when absent.
/// Error::bad_request when malformed.
Result<std::optional<std::string>> idempotency_key(const Request& request);

/// The trace-id of a valid `traceparent` (W3C Trace Context §3.2), 32 hex digits; nullopt otherwise.
std::optional<std::string_view> trace_id(std::string_view traceparent) noexcept;

}  // namespace nacre::http
