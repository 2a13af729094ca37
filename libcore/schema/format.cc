#include "schema/format.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"
#include "base/time.h"
#include "json/pointer.h"
#include "schema/regex_syntax.h"
#include "schema/uri.h"

namespace nacre::schema {
namespace {

bool is_date_time(std::string_view text) { return parse_rfc3339(text).has_value(); }

bool is_date(std::string_view text) { return text.size() == 10 && is_date_time(std::string{text} + "T00:00:00Z"); }

/// A leap second is judged on a day in the middle of the calendar, so that no offset leaves it.
bool is_time(std::string_view text) { return is_date_time("2000-06-15T" + std::string{text}); }

/// RFC 1123 §2.1: labels of letters, digits and inner hyphens.
bool is_hostname(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    const auto label = text.substr(begin, end - begin);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; })) return false;
    begin = end + 1;
  }
  return true;
}

bool is_address(int family, std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return false;
  std::array<unsigned char, 16> address{};
  return inet_pton(family, std::string{text}.c_str(), address.data()) == 1;
}

/// The dot-string of RFC 5321 §4.1.2, without the quoted form that nobody uses.
bool is_local_part(std::string_view text) {
  static constexpr std::string_view kOthers = "!#$%&'*+-/=?^_`{|}~.";
  if (text.empty() || text.size() > 64 || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || kOthers.find(c) != std::string_view::npos; });
}

bool is_mail_domain(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return is_hostname(text);
  const auto literal = text.substr(1, text.size() - 2);
  return literal.starts_with("IPv6:") ? is_address(AF_INET6, literal.substr(5)) : is_address(AF_INET, literal);
}

bool is_email(std::string_view text) {
  const auto at = text.rfind('@');
  return at != std::string_view::npos && is_local_part(text.substr(0, at)) && is_mail_domain(text.substr(at + 1));
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

struct Entry {
  std::string_view name;
  std::string_view description;
  bool (*holds)(std::string_view);
};

/// In the order of Format, without `none`.
constexpr std::array<Entry, 12> kFormats{{
    {"date-time", "a date and time of RFC 3339, like 2026-01-02T03:04:05Z", is_date_time},
    {"date", "a date, like 2026-01-02", is_date},
    {"time", "a time with its offset, like 03:04:05Z", is_time},
    {"email", "an e-mail address", is_email},
    {"hostname", "a host name", is_hostname},
    {"ipv4", "an IPv4 address", [](std::string_view text) { return is_address(AF_INET, text); }},
    {"ipv6", "an IPv6 address", [](std::string_view text) { return is_address(AF_INET6, text); }},
    {"uri", "a URI with its scheme", is_uri},
    {"uri-reference", "a URI or a relative reference", is_uri_reference},
    {"uuid", "a UUID", is_uuid},
    {"regex", "a regular expression", is_regex},
    {"json-pointer", "a JSON Pointer", [](std::string_view text) { return parse_pointer(text).has_value(); }},
}};

const Entry& entry(Format format) { return kFormats[static_cast<std::size_t>(format) - 1]; }

}  // namespace

std::optional<Format> format_named(std::string_view name) noexcept {
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(), [name](const Entry& e) { return e.name == name; });
  if (found == kFormats.end()) return std::nullopt;
  return static_cast<Format>(found - kFormats.begin() + 1);
}

std::string format_names() {
  std::string names;
  for (const Entry& e : kFormats) {
    if (!names.empty()) names += ", ";
    names += e.name;
  }
  return names;
}

std::string_view format_description(Format format) noexcept { return entry(format).description; }

bool has_format(Format format, std::string_view text) { return entry(format).holds(text); }

}  // namespace nacre::schema
