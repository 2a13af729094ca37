#include "schema/multiple_of.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace nacre::schema {
namespace {

__extension__ using Wide = unsigned __int128;

/// digits × 10^exponent, without its sign.
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
};

Decimal decimal(const Json& number) {
  if (number.is_uint64()) return {number.get_uint64(), 0};
  if (number.is_int64()) {
    const std::int64_t value = number.get_int64();
    return {value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value), 0};
  }
  std::array<char, 32> text;
  char* const end =
      std::to_chars(text.data(), text.data() + text.size(), std::abs(number.get_double()), std::chars_format::scientific).ptr;
  Decimal result;
  int fraction = 0;
  const char* at = text.data();
  for (bool point = false; at != end && *at != 'e'; ++at) {
    if (*at == '.') {
      point = true;
    } else {
      result.digits = result.digits * 10 + static_cast<std::uint64_t>(*at - '0');
      fraction += point ? 1 : 0;
    }
  }
  at += at + 1 < end && at[1] == '+' ? 2 : 1;
  std::from_chars(at, end, result.exponent);
  result.exponent -= fraction;
  return result;
}

/// 10^exponent mod `modulus`.
Wide power_of_ten(int exponent, Wide modulus) {
  Wide result = 1 % modulus;
  for (Wide base = 10 % modulus; exponent > 0; exponent /= 2, base = base * base % modulus) {
    if (exponent % 2 == 1) result = result * base % modulus;
  }
  return result;
}

}  // namespace

bool is_multiple(const Json& number, const Json& of) {
  const Decimal value = decimal(number);
  Decimal unit = decimal(of);
  if (value.digits == 0) return true;
  const int shift = value.exponent - unit.exponent;
  if (shift >= 0) return value.digits % unit.digits * power_of_ten(shift, unit.digits) % unit.digits == 0;
  // Twenty digits are more than any value has.
  if (shift < -19) return false;
  Wide scaled = unit.digits;
  for (int i = shift; i < 0; ++i) scaled *= 10;
  return value.digits % scaled == 0;
}

}  // namespace nacre::schema
