#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "json/write.h"  // IWYU pragma: export

/// JSON text to values: strict where a client could mean two things, exact where a number could be bent.
namespace nacre {

/// How deep arrays and objects may nest; the outermost one counts as 1.
inline constexpr std::size_t kMaxJsonDepth = 64;

/// How many bytes of memory the values of one JSON text may take. Eight megabytes of `[{},{},…]` would take 160.
inline constexpr std::size_t kMaxJsonBytes = 16UL << 20U;

/// What is said of an integer that does not fit.
inline constexpr std::string_view kIntegerRange = "must be an integer from -9223372036854775808 to 9223372036854775807";

/// Reads one JSON text (RFC 8259; UTF-8 without a byte order mark).
///
/// Error::bad_request, whose detail says where reading stopped and why ("line 1, column 12 (byte 11): the name \"a\" stands
/// twice in one object"): bad syntax, bytes after the value, invalid UTF-8, an escape of a lone surrogate, a name twice in one
/// object, nesting deeper than kMaxJsonDepth, a number that no double can hold. NUL is allowed in strings and names.
///
/// Error::too_large once the values would take more than `most_bytes` of memory, counted as they are read, at the moment when a
/// growing array or object is held twice.
///
/// Numbers without fraction and exponent are integers and kept exactly: Error::unprocessable, with the place in errors[0], for
/// one outside the 64-bit signed range. All integers of the value are `int64` (never `uint64`), all others finite `double`.
Result<Json> parse_json(std::string_view text, std::size_t most_bytes = kMaxJsonBytes);

}  // namespace nacre
