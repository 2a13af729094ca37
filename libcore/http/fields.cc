#include "http/fields.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/syntax.h"

namespace nacre::http {

namespace {

/// Cuts the text before `separator` off the front of `rest`.
std::string_view cut(std::string_view& rest, char separator) noexcept {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return trim(part);
}

std::string_view unquote(std::string_view text) noexcept {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

bool is_lower_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) noexcept { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::optional<std::string> media_type(std::string_view content_type) {
  std::string_view rest = content_type;
  const std::string_view type = cut(rest, ';');
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos || !is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1)))
    return std::nullopt;
  while (!rest.empty()) {
    std::string_view parameter = cut(rest, ';');
    const std::string_view name = cut(parameter, '=');
    if (equals_ignoring_case(name, "charset") && !equals_ignoring_case(unquote(trim(parameter)), "utf-8")) return std::nullopt;
  }
  std::string lower(type);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

bool has_content_coding(const Request& request) {
  const auto list = request.header_list("Content-Encoding");
  std::string_view rest = list ? std::string_view(*list) : std::string_view();
  while (!rest.empty()) {
    const std::string_view coding = cut(rest, ',');
    if (!coding.empty() && !equals_ignoring_case(coding, "identity")) return true;
  }
  return false;
}

bool prefers_minimal(const Request& request) {
  const auto list = request.header_list("Prefer");
  std::string_view rest = list ? std::string_view(*list) : std::string_view();
  while (!rest.empty()) {
    std::string_view preference = cut(rest, ',');
    std::string_view value = cut(preference, ';');
    const std::string_view name = cut(value, '=');
    if (equals_ignoring_case(name, "return")) return unquote(trim(value)) == "minimal";  // the first one counts (RFC 7240 §2)
  }
  return false;
}

Result<std::optional<std::string>> idempotency_key(const Request& request) {
  const auto header = request.header_list("Idempotency-Key");
  if (!header) return std::optional<std::string>();
  const std::string_view text = trim(*header);
  const std::string_view key = unquote(text);
  const bool visible =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (key.empty() || key.size() > 255 || !visible) {
    return Failure(Error::bad_request, "Idempotency-Key: must be a quoted string of 1 to 255 visible characters");
  }
  return std::optional<std::string>(key);
}

std::optional<std::string_view> trace_id(std::string_view traceparent) noexcept {
  const std::string_view text = trim(traceparent);
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  const bool hex = is_lower_hex(version) && is_lower_hex(trace) && is_lower_hex(parent) && is_lower_hex(text.substr(53, 2));
  if (!hex || version == "ff" || is_zero(trace) || is_zero(parent)) return std::nullopt;
  if (text.size() > 55 && (version == "00" || text[55] != '-')) return std::nullopt;
  return trace;
}

}  // namespace nacre::http
