#include "schema/uri_template.h"

#include <algorithm>
#include <cstddef>

#include "base/ascii.h"

namespace nacre::schema {
namespace {

bool is_percent_encoded(std::string_view text) {
  return text.size() >= 3 && text[0] == '%' && is_hex(text[1]) && is_hex(text[2]);
}

/// §2.1, and erratum 6937 (the apostrophe): what may stand outside of braces.
bool is_literals(std::string_view text) {
  constexpr std::string_view kNever = "\"<>\\^`{|} ";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F || kNever.find(text[i]) != std::string_view::npos) return false;
    if (text[i] == '%' && !is_percent_encoded(text.substr(i))) return false;
  }
  return true;
}

/// §2.3: names with dots between them.
bool is_variable_name(std::string_view text) {
  bool after_dot = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.') {
      if (after_dot) return false;
      after_dot = true;
      continue;
    }
    if (text[i] == '%') {
      if (!is_percent_encoded(text.substr(i))) return false;
      i += 2;
    } else if (!is_alnum(text[i]) && text[i] != '_') {
      return false;
    }
    after_dot = false;
  }
  return !after_dot;
}

/// §2.4: a name, and perhaps `*` or `:` and a length of 1 to 9999.
bool is_variable(std::string_view text) {
  if (text.ends_with('*')) return is_variable_name(text.substr(0, text.size() - 1));
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return is_variable_name(text);
  const auto length = text.substr(colon + 1);
  const bool good =
      !length.empty() && length.size() <= 4 && length[0] != '0' && std::all_of(length.begin(), length.end(), is_digit);
  return good && is_variable_name(text.substr(0, colon));
}

/// §2.2, without the braces.
bool is_expression(std::string_view text) {
  constexpr std::string_view kOperators = "+#./;?&";
  if (!text.empty() && kOperators.find(text[0]) != std::string_view::npos) text.remove_prefix(1);
  for (;;) {
    const auto comma = text.find(',');
    if (!is_variable(text.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

bool is_uri_template(std::string_view text) {
  while (!text.empty()) {
    const auto open = std::min(text.find('{'), text.size());
    if (!is_literals(text.substr(0, open))) return false;
    if (open == text.size()) return true;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos || !is_expression(text.substr(open + 1, close - open - 1))) return false;
    text.remove_prefix(close + 1);
  }
  return true;
}

}  // namespace nacre::schema
