#include "config/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace nacre::config {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool contains(std::string_view set, char c) noexcept { return set.find(c) != std::string_view::npos; }

template <class... Sets>
bool consists_of(std::string_view text, Sets... sets) noexcept {
  return std::all_of(text.begin(), text.end(), [&](char c) { return (contains(sets, c) || ...); });
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

template <class T>
std::optional<T> whole(std::string_view text, auto... how) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, how...);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Json> integer(std::string_view text, int base) {
  if (const auto value = whole<std::int64_t>(text, base)) return Json(*value);
  if (const auto value = whole<std::uint64_t>(text, base)) return Json(*value);
  return std::nullopt;
}

/// Digits with at most one point among them, then perhaps an exponent: what from_chars takes besides infinities and NaN.
bool looks_like_float(std::string_view unsigned_text) {
  const auto point = unsigned_text.find_first_not_of(kDigits);
  const auto first = point == 0 && unsigned_text.starts_with('.') ? 1 : 0;
  return static_cast<std::size_t>(first) < unsigned_text.size() && contains(kDigits, unsigned_text[first]) &&
         whole<double>(unsigned_text, std::chars_format::general).has_value();
}

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> kUnits{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

const Unit* find_unit(std::string_view name) noexcept {
  const auto* found = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& unit) { return unit.name == name; });
  return found == kUnits.end() ? nullptr : found;
}

}  // namespace

std::optional<Json> parse_plain(std::string_view text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return Json(nullptr);
  if (is_one_of(text, {"true", "True", "TRUE"})) return Json(true);
  if (is_one_of(text, {"false", "False", "FALSE"})) return Json(false);
  if (text.starts_with("0o") && text.size() > 2 && consists_of(text.substr(2), "01234567")) return integer(text.substr(2), 8);
  if (text.starts_with("0x") && text.size() > 2 && consists_of(text.substr(2), kDigits, "abcdefABCDEF")) {
    return integer(text.substr(2), 16);
  }
  const bool is_signed = text.starts_with('-') || text.starts_with('+');
  const auto magnitude = text.substr(is_signed ? 1 : 0);
  if (is_one_of(magnitude, {".inf", ".Inf", ".INF"}) || is_one_of(text, {".nan", ".NaN", ".NAN"})) return std::nullopt;
  const auto number = text.starts_with('+') ? magnitude : text;
  if (!magnitude.empty() && consists_of(magnitude, kDigits)) return integer(number, 10);
  if (looks_like_float(magnitude)) return Json(*whole<double>(number, std::chars_format::general));
  return Json(text);
}

std::optional<Milliseconds> parse_duration(std::string_view text) noexcept {
  constexpr std::int64_t kMost = 10'000;
  const auto digits = std::min(text.find_first_not_of(kDigits), text.size());
  const auto* unit = find_unit(text.substr(digits));
  const auto count = whole<std::int64_t>(text.substr(0, digits));
  if (unit == nullptr || !count || *count > kMost * kUnits[0].milliseconds / unit->milliseconds) return std::nullopt;
  return Milliseconds{*count * unit->milliseconds};
}

std::string format_duration(Milliseconds duration) {
  const auto* unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) {
    return duration.count() != 0 && duration.count() % u.milliseconds == 0;
  });
  if (unit == kUnits.end()) return "0s";
  return std::to_string(duration.count() / unit->milliseconds).append(unit->name);
}

std::optional<Rate> parse_rate(std::string_view text) noexcept {
  constexpr std::uint32_t kMost = 1'000'000;
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = whole<std::uint32_t>(text.substr(0, slash));
  const auto* unit = find_unit(text.substr(slash + 1));
  if (unit == nullptr || unit->name == "ms" || !count || *count < 1 || *count > kMost) return std::nullopt;
  return Rate{*count, Milliseconds{unit->milliseconds}};
}

std::optional<AccessRule> parse_access_rule(std::string_view text) {
  using Kind = AccessRule::Kind;
  constexpr std::string_view kRole = "role:";
  constexpr std::pair<std::string_view, Kind> kWords[] = {
      {"public", Kind::anyone}, {"user", Kind::user}, {"owner", Kind::owner}, {"nobody", Kind::nobody}};
  for (const auto& [word, kind] : kWords) {
    if (text == word) return AccessRule{kind, {}};
  }
  if (!text.starts_with(kRole)) return std::nullopt;
  const auto role = text.substr(kRole.size());
  if (role.empty() || role.size() > 64 || !consists_of(role, kDigits, kLower, kUpper, "_.-")) return std::nullopt;
  return AccessRule{Kind::role, std::string(role)};
}

std::optional<IndexKey> parse_index_key(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  const bool descending = text.starts_with('-');
  const auto path = text.substr(descending ? 1 : 0);
  if (path.empty() || path.size() > kLongest) return std::nullopt;
  const bool built_in = is_one_of(path, {"_id", "_rev", "_created", "_updated", "_owner"});
  for (std::size_t at = 0; !built_in && at <= path.size();) {
    const auto end = std::min(path.find('.', at), path.size());
    const auto name = path.substr(at, end - at);
    const bool reserved = name.starts_with('$') || (at == 0 && name.starts_with('_'));
    if (name.empty() || reserved || std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20; }))
      return std::nullopt;
    at = end + 1;
  }
  return IndexKey{std::string(path), descending};
}

bool is_resource_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && contains(kLower, text.front()) && consists_of(text, kLower, kDigits, "_-");
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && consists_of(text, kLower, kUpper, kDigits, "!#$%&'*+-.^_`|~");
}

}  // namespace nacre::config
