#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"

/// JSON values to text.
namespace nacre {

/// Appends a value as compact JSON text (RFC 8259) that parse_json reads back equal in value and kind. Doubles have the
/// shortest form that reads back the same, always with a fraction or an exponent: 1.0 is written `1.0`, 1e300 `1e+300`.
///
/// A value that no parser gave may hold what JSON can't: a double that is not finite is written as `null`, bytes that are not
/// UTF-8 as U+FFFD. Recurses as deep as the value.
void append_json(std::string& out, const Json& value);
void append_json(std::string& out, const JsonObject& object);
void append_json(std::string& out, const JsonArray& array);

/// Appends a string with its quotes. Only `"`, `\` and control characters are escaped.
void append_json_string(std::string& out, std::string_view text);
/// Appends a moment as RFC 3339 has it, with quotes.
void append_json_date(std::string& out, Timestamp moment);

/// The same as a text of its own.
std::string json_text(const Json& value);

}  // namespace nacre
