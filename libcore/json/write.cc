#include "json/write.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "json/utf8.h"

namespace nacre {
namespace {

template <class Integer>
void append_integer(std::string& out, Integer number) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  const std::string_view text{digits.data(), static_cast<std::size_t>(end - digits.data())};
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

/// Where the characters that are plain end, from `at` on.
std::size_t end_of_plain(std::string_view text, std::size_t at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  for (std::uint64_t word = 0; text.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t backslash = word ^ (kOnes * '\\');
    // The highest bit of a byte: of one from 0x80 on, and of one that is below what is taken away.
    if (((word | (word - kOnes * 0x20U) | (quote - kOnes) | (backslash - kOnes)) & (kOnes << 7U)) != 0) break;
  }
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  constexpr std::string_view kHex = "0123456789abcdef";
  if (const auto i = kShort.find(c); i != std::string_view::npos) {
    out += '\\';
    out += kLetters[i];
    return;
  }
  out += "\\u00";
  out += kHex[static_cast<unsigned char>(c) >> 4U];
  out += kHex[static_cast<unsigned char>(c) & 0xFU];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = end_of_plain(text, i);
    out += text.substr(i, end - i);
    if (end == text.size()) break;
    i = end + 1;
    if (static_cast<unsigned char>(text[end]) < 0x80) {
      append_escaped(out, text[end]);
    } else if (const std::size_t length = utf8_sequence(text, end); length != 0) {
      out += text.substr(end, length);
      i = end + length;
    } else {
      out += "\xEF\xBF\xBD";
    }
  }
  out += '"';
}

void append_json_date(std::string& out, Timestamp moment) {
  std::array<char, kRfc3339Size + 2> text;
  text.front() = text.back() = '"';
  write_rfc3339(std::span(text).subspan<1, kRfc3339Size>(), moment);
  out.append(text.data(), text.size());
}

void append_json(std::string& out, const JsonObject& object) {
  char separator = '{';
  for (const auto& member : object) {
    out += separator;
    append_json_string(out, member.key());
    out += ':';
    append_json(out, member.value());
    separator = ',';
  }
  if (object.empty()) out += '{';
  out += '}';
}

void append_json(std::string& out, const JsonArray& array) {
  char separator = '[';
  for (const Json& item : array) {
    out += separator;
    append_json(out, item);
    separator = ',';
  }
  if (array.empty()) out += '[';
  out += ']';
}

void append_json(std::string& out, const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      break;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case boost::json::kind::int64:
      append_integer(out, value.get_int64());
      break;
    case boost::json::kind::uint64:
      append_integer(out, value.get_uint64());
      break;
    case boost::json::kind::double_:
      append_double(out, value.get_double());
      break;
    case boost::json::kind::string:
      append_json_string(out, value.get_string());
      break;
    case boost::json::kind::array:
      append_json(out, value.get_array());
      break;
    case boost::json::kind::object:
      append_json(out, value.get_object());
      break;
  }
}

std::string json_text(const Json& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace nacre
