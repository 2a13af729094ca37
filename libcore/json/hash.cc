#include "json/hash.h"

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <string_view>
#include <utility>
#include <vector>

#include "base/keyed_hash.h"
#include "json/compare.h"

namespace nacre {
namespace {

/// Of texts and of pairs of numbers, under a key of the process's own.
class Hasher {
 public:
  std::uint64_t text(std::string_view bytes) const noexcept { return hash_(bytes); }

  std::uint64_t numbers(std::uint64_t a, std::uint64_t b) const noexcept {
    const std::array<std::uint64_t, 2> both{a, b};
    return text({reinterpret_cast<const char*>(both.data()), sizeof both});
  }

  static const Hasher& get() {
    static const Hasher hasher;
    return hasher;
  }

 private:
  Hasher() { hash_.init(); }

  KeyedHash hash_;
};

/// By the mathematical value: 1 and 1.0 are one. Integers beyond int64 share the hash of the nearest double.
std::uint64_t number_bits(const Json& number) {
  const long double value = json_number(number);
  constexpr long double kBeyond = 0x1p63L;
  if (value >= -kBeyond && value < kBeyond) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<long double>(whole) == value) return static_cast<std::uint64_t>(whole);
  }
  return std::bit_cast<std::uint64_t>(static_cast<double>(value));
}

/// Kinds that are never equal begin with another number.
enum Kind : std::uint64_t { kNullKind, kBoolKind, kNumberKind, kStringKind, kArrayKind, kObjectKind };

}  // namespace

std::uint64_t hash_json(const Json& value, std::size_t& steps) {
  const Hasher& hasher = Hasher::get();
  ++steps;
  if (value.is_number()) return hasher.numbers(kNumberKind, number_bits(value));
  if (const auto* text = value.if_string()) {
    steps += text->size() / 64;
    return hasher.numbers(kStringKind, hasher.text(*text));
  }
  if (const auto* array = value.if_array()) {
    std::uint64_t hash = kArrayKind;
    for (const Json& item : *array) hash = hasher.numbers(hash, hash_json(item, steps));
    return hasher.numbers(hash, array->size());
  }
  if (const auto* object = value.if_object()) {
    std::uint64_t sum = object->size();  // whatever the order of the members
    for (const auto& member : *object) {
      steps += member.key().size() / 64;
      sum += hasher.numbers(hasher.text(member.key()), hash_json(member.value(), steps));
    }
    return hasher.numbers(kObjectKind, sum);
  }
  return value.is_bool() ? hasher.numbers(kBoolKind, value.get_bool() ? 1 : 0) : hasher.numbers(kNullKind, 0);
}

/// Values of one hash are equal, as good as always: few are compared that are not.
bool has_equal_items(const JsonArray& array, std::size_t& steps) {
  std::vector<std::pair<std::uint64_t, const Json*>> items;
  items.reserve(array.size());
  for (const Json& item : array) items.emplace_back(hash_json(item, steps), &item);
  std::sort(items.begin(), items.end());
  const auto equal = [](const auto& a, const auto& b) {
    return a.first == b.first && std::is_eq(compare_json(*a.second, *b.second));
  };
  return std::adjacent_find(items.begin(), items.end(), equal) != items.end();
}

}  // namespace nacre
