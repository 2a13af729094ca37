#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nacre::store::sqlite {

/// What is bound to a parameter of a statement; monostate is NULL.
using Value = std::variant<std::monostate, std::int64_t, double, std::string>;

/// SQL text and the values of its parameters, in their order. What a client sends is only ever among the values.
struct Sql {
  std::string text{};
  std::vector<Value> values{};

  Sql& operator<<(std::string_view part) {
    text += part;
    return *this;
  }
  Sql& operator<<(const Sql& part) {
    text += part.text;
    values.insert(values.end(), part.values.begin(), part.values.end());
    return *this;
  }
  Sql& bind(Value value) {
    text += '?';
    values.push_back(std::move(value));
    return *this;
  }
};

/// `text` as an SQL literal or identifier.
inline std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += c;
    out += c;
  }
  return out += quote;
}

}  // namespace nacre::store::sqlite
