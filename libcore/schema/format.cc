#include "schema/format.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"
#include "base/time.h"
#include "json/pointer.h"
#include "schema/ecma_regex.h"
#include "schema/hostname.h"
#include "schema/uri.h"
#include "schema/uri_template.h"

namespace nacre::schema {
namespace {

bool is_date_time(std::string_view text) { return parse_rfc3339(text).has_value(); }

bool is_date(std::string_view text) { return text.size() == 10 && is_date_time(std::string{text} + "T00:00:00Z"); }

/// A leap second is judged on a day in the middle of the calendar, so that no offset leaves it.
bool is_time(std::string_view text) { return is_date_time("2000-06-15T" + std::string{text}); }

bool is_address(int family, std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return false;
  std::array<unsigned char, 16> address{};
  return inet_pton(family, std::string{text}.c_str(), address.data()) == 1;
}

/// RFC 5321 §4.1.2: a dot-string, or a quoted one. `others`: whether characters beyond ASCII count as letters (RFC 6531 §3.3).
bool is_local_part(std::string_view text, bool others) {
  static constexpr std::string_view kAtoms = "!#$%&'*+-/=?^_`{|}~.";
  const auto is_other = [others](char c) { return others && static_cast<unsigned char>(c) >= 0x80; };
  if (text.empty() || text.size() > 64) return false;
  if (text.size() > 2 && text.front() == '"' && text.back() == '"') {
    const auto inside = text.substr(1, text.size() - 2);
    for (std::size_t i = 0; i < inside.size(); ++i) {
      const bool escaped = inside[i] == '\\';
      if (escaped && ++i == inside.size()) return false;
      const bool printable = inside[i] >= ' ' && inside[i] < 0x7F && (escaped || inside[i] != '"');
      if (!printable && !is_other(inside[i])) return false;
    }
    return true;
  }
  if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alnum(c) || kAtoms.find(c) != std::string_view::npos || is_other(c); });
}

bool is_mail_domain(std::string_view text, bool others) {
  if (!text.starts_with('[') || !text.ends_with(']')) return others ? is_idn_hostname(text) : is_hostname(text);
  const auto literal = text.substr(1, text.size() - 2);
  return literal.starts_with("IPv6:") ? is_address(AF_INET6, literal.substr(5)) : is_address(AF_INET, literal);
}

bool is_mail_address(std::string_view text, bool others) {
  const auto at = text.rfind('@');
  return at != std::string_view::npos && is_local_part(text.substr(0, at), others) &&
         is_mail_domain(text.substr(at + 1), others);
}

/// draft-handrews-relative-json-pointer-01 §3.
bool is_relative_pointer(std::string_view text) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || (digits > 1 && text[0] == '0')) return false;
  const auto rest = text.substr(digits);
  return rest == "#" || parse_pointer(rest).has_value();
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
constexpr std::array<Entry, 18> kFormats{{
    {"date-time", "a date and time of RFC 3339, like 2026-01-02T03:04:05Z", is_date_time},
    {"date", "a date, like 2026-01-02", is_date},
    {"time", "a time with its offset, like 03:04:05Z", is_time},
    {"email", "an e-mail address", [](std::string_view text) { return is_mail_address(text, false); }},
    {"idn-email", "an e-mail address", [](std::string_view text) { return is_mail_address(text, true); }},
    {"hostname", "a host name", is_hostname},
    {"idn-hostname", "a host name", is_idn_hostname},
    {"ipv4", "an IPv4 address", [](std::string_view text) { return is_address(AF_INET, text); }},
    {"ipv6", "an IPv6 address", [](std::string_view text) { return is_address(AF_INET6, text); }},
    {"uri", "a URI with its scheme", is_uri},
    {"uri-reference", "a URI or a relative reference", is_uri_reference},
    {"iri", "an IRI with its scheme", is_iri},
    {"iri-reference", "an IRI or a relative reference", is_iri_reference},
    {"uri-template", "a URI template", is_uri_template},
    {"uuid", "a UUID", is_uuid},
    {"regex", "a regular expression", is_regex},
    {"json-pointer", "a JSON Pointer", [](std::string_view text) { return parse_pointer(text).has_value(); }},
    {"relative-json-pointer", "a relative JSON Pointer", is_relative_pointer},
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
