#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacre::schema {

/// The values of `format` that are checked (draft 7 §7.3, and `uuid`).
enum class Format : std::uint8_t {
  none,
  date_time,
  date,
  time,
  email,
  idn_email,
  hostname,
  idn_hostname,
  ipv4,
  ipv6,
  uri,
  uri_reference,
  iri,
  iri_reference,
  uri_template,
  uuid,
  regex,
  json_pointer,
  relative_json_pointer,
};

std::optional<Format> format_named(std::string_view name) noexcept;
/// All names, for messages: "date-time, date, …".
std::string format_names();

/// What a text of the format is called ("a UUID"), for messages.
std::string_view format_description(Format format) noexcept;

bool has_format(Format format, std::string_view text);

}  // namespace nacre::schema
