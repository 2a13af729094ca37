#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

/// JSON text to values and back: strict where a client could mean two things, exact where a number could be bent.
namespace nacre {

/// How deep arrays and objects may nest; the outermost one counts as 1.
inline constexpr std::size_t kMaxJsonDepth = 64;

/// Reads one JSON text (RFC 8259; UTF-8 without a byte order mark).
///
/// Error::bad_request, whose detail names what is wrong and where ("line 1, column 9 (byte 8): duplicate name \"a\""): bad
/// syntax, bytes after the value, invalid UTF-8, an escape of a lone surrogate, a name twice in one object, nesting deeper than
/// kMaxJsonDepth, a number that no double can hold. NUL is allowed in strings and names.
///
/// Numbers without fraction and exponent are integers and kept exactly: Error::unprocessable, with errors[0] naming the place,
/// for one outside the 64-bit signed range. All integers of the value are `int64` (never `uint64`), all others finite `double`;
/// `-0` is the double.
Result<Json> parse_json(std::string_view text);

/// Appends a value as compact JSON text, which parse_json reads back equal in value and kind: doubles in their shortest form
/// that reads back the same, always with a fraction or an exponent (1.0 is written `1.0`, 1e300 `1e+300`). Strings are written
/// as they are but for `"`, `\` and control characters. A value built by hand may hold what JSON can't: a double that is not
/// finite is written as `null`.
void append_json(std::string& out, const Json& value);
void append_json(std::string& out, const JsonObject& object);
void append_json(std::string& out, const JsonArray& array);

/// Appends a string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace nacre
