#include "config/reader.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <vector>

#include "config/scalar.h"

namespace nacre::config {
namespace {

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string list(std::initializer_list<std::string_view> words) {
  std::string text;
  for (const auto word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

/// The scalar as YAML types it; nothing for other values and for numbers out of range.
std::optional<Json> typed(const Value& value) {
  if (value.kind != Value::Kind::scalar) return std::nullopt;
  return value.plain ? parse_plain(value.text) : Json(value.text);
}

/// The same for a place that says what it wants: there `{ max: "${MAX}" }` may be a number, though YAML asks for the quotes.
std::optional<Json> wanted(const Value& value) {
  if (value.kind != Value::Kind::scalar) return std::nullopt;
  return value.plain || value.substituted() ? parse_plain(value.text) : Json(value.text);
}

/// A tree of values as JSON, its scalars by `read`.
template <class Read>
Json convert(const Source& source, const Value& value, const Read& read) {
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::sequence: {
      JsonArray array;
      for (const auto& item : value.items) array.push_back(convert(source, item, read));
      return array;
    }
    case Value::Kind::mapping: {
      JsonObject object;
      for (const auto& member : value.members) object.emplace(member.key, convert(source, member.value, read));
      return object;
    }
    case Value::Kind::scalar:
      break;
  }
  auto json = read(value);
  if (!json) source.fail(value.mark, describe(value) + " does not fit", "allowed: integers of 64 bits and finite numbers");
  return std::move(*json);
}

std::string wrong(const Member& member, std::string_view what) {
  return member.key + ": " + describe(member.value) + " is " + std::string(what);
}

}  // namespace

std::string describe(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return "an empty value";
    case Value::Kind::sequence:
      return value.items.empty() ? "an empty list" : "a list";
    case Value::Kind::mapping:
      return "a mapping";
    case Value::Kind::scalar:
      break;
  }
  const auto json = typed(value);
  const bool is_string = value.substituted() || (json && json->is_string());
  return is_string ? quote(value.substituted() ? value.written : value.text) : value.text;
}

Json to_json(const Source& source, const Value& value) {
  return convert(source, value, [](const Value& scalar) { return typed(scalar); });
}

Json schema_json(const Source& source, const Value& value) {
  return convert(source, value, [](const Value& scalar) {
    auto json = typed(scalar);
    const std::string_view text = scalar.text;
    const bool large = !json && text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0) == std::string_view::npos;
    double number = 0;
    if (large && std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{}) json = number;
    return json;
  });
}

Reader::Reader(const Source& source, const Value& mapping, Mark mark, std::initializer_list<std::string_view> keys)
    : source_(source), mapping_(mapping), mark_(mark) {
  if (mapping.kind != Value::Kind::mapping) {
    source.fail(mapping.mark, describe(mapping) + " is not a mapping", "allowed: a mapping of " + list(keys));
  }
  report_unknown(keys);
}

void Reader::report_unknown(std::initializer_list<std::string_view> keys) {
  for (const auto& [key, mark, value] : mapping_.members) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    auto what = "unknown key " + quote(key);
    if (const auto meant = closest(key, keys); !meant.empty()) {
      what += " (did you mean " + quote(meant) + "?)";
      meant_.push_back(meant);
    }
    source_.report(mark, what, "allowed: " + list(keys));
  }
}

const Member& Reader::require(std::string_view key, std::string_view allowed) const {
  const auto* member = find(key);
  const bool told = std::find(meant_.begin(), meant_.end(), key) != meant_.end();
  if (member == nullptr && told) throw LoadError(std::vector<std::string>{});
  if (member == nullptr) source_.fail(mark_, "the key " + quote(key) + " is missing", allowed);
  return *member;
}

void Reader::boolean(std::string_view key, bool& out) const {
  const auto* member = find(key);
  if (member == nullptr) return;
  const auto json = wanted(member->value);
  if (json && json->is_bool()) {
    out = json->get_bool();
  } else if (member->value.text == "on" || member->value.text == "off") {
    out = member->value.text == "on";
  } else {
    report(*member, "not a boolean", "allowed: true, false, on, off");
  }
}

void Reader::integer(std::string_view key, std::uint32_t& out, std::uint32_t least, std::uint32_t most) const {
  const auto* member = find(key);
  if (member == nullptr) return;
  const auto allowed = "allowed: " + std::to_string(least) + " to " + std::to_string(most);
  const auto json = wanted(member->value);
  if (!json || !json->is_int64()) return report(*member, "not an integer", allowed);
  if (json->get_int64() < least || json->get_int64() > most) return report(*member, "out of range", allowed);
  out = static_cast<std::uint32_t>(json->get_int64());
}

void Reader::string(std::string_view key, std::string& out, std::string_view allowed) const {
  const auto* member = find(key);
  if (member == nullptr) return;
  const auto json = wanted(member->value);
  if (!json || !(json->is_string() || member->value.substituted())) return report(*member, "not a string", allowed);
  out = member->value.text;
}

void Reader::duration(std::string_view key, Milliseconds& out, Milliseconds least, Milliseconds most) const {
  const auto* member = find(key);
  if (member == nullptr) return;
  const auto allowed =
      "allowed: " + format_duration(least) + " to " + format_duration(most) + ", as in 250ms, 5s, 5m, 24h, 14d";
  const auto parsed = parse_duration(member->value.text);
  if (!parsed) return report(*member, "not a duration", allowed);
  if (*parsed < least || *parsed > most) return report(*member, "out of range", allowed);
  out = *parsed;
}

void Reader::fail(const Member& member, std::string_view what, std::string_view allowed) const {
  source_.fail(member.value.mark, wrong(member, what), allowed);
}

void Reader::report(const Member& member, std::string_view what, std::string_view allowed) const {
  source_.report(member.value.mark, wrong(member, what), allowed);
}

bool is_off(const Value& value) noexcept {
  return value.kind == Value::Kind::scalar && value.plain && (value.text == "off" || value.text == "false");
}

std::string_view closest(std::string_view word, std::initializer_list<std::string_view> candidates) {
  constexpr std::size_t kLongest = 64;
  std::string_view best;
  std::size_t least = std::min<std::size_t>(3, word.size());
  for (const auto candidate : candidates) {
    if (word.size() > kLongest) break;
    const auto apart = distance(word, candidate);
    if (apart < least && apart < candidate.size()) {
      best = candidate;
      least = apart;
    }
  }
  return best;
}

}  // namespace nacre::config
