#include "schema/place.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "json/pointer.h"
#include "schema/node.h"

namespace nacre::schema {

void Place::refuse(std::string detail) const { throw Mistake{pointer, std::move(detail)}; }

const JsonObject& Place::object() const {
  if (!value->is_object()) refuse("must be an object");
  return value->get_object();
}

const JsonArray& Place::array() const {
  if (!value->is_array()) refuse("must be an array");
  return value->get_array();
}

std::string Place::string() const {
  if (!value->is_string()) refuse("must be a string");
  return std::string{value->get_string()};
}

bool Place::boolean() const {
  if (!value->is_bool()) refuse("must be true or false");
  return value->get_bool();
}

const Json& Place::number() const {
  if (!value->is_number()) refuse("must be a number");
  return *value;
}

std::size_t Place::count() const {
  constexpr double kBeyondAny = 1e15;
  const double size = type_of(*value) == kInteger ? value->to_number<double>() : -1;
  if (size < 0) refuse("must be an integer of at least 0");
  return size < kBeyondAny ? static_cast<std::size_t>(size) : std::numeric_limits<std::size_t>::max();
}

std::vector<std::string> Place::strings() const {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < array().size(); ++i) {
    std::string text = item(i).string();
    if (std::find(result.begin(), result.end(), text) != result.end()) item(i).refuse("stands twice");
    result.push_back(std::move(text));
  }
  return result;
}

Place Place::item(std::size_t index) const { return {&array()[index], below(pointer, std::to_string(index))}; }

std::vector<std::pair<std::string, Place>> Place::members() const {
  std::vector<std::pair<std::string, Place>> result;
  for (const auto& member : object()) {
    result.emplace_back(member.key(), Place{&member.value(), below(pointer, member.key())});
  }
  return result;
}

std::string below(const std::string& pointer, std::string_view token) {
  std::string result = pointer;
  append_pointer_token(result, token);
  return result;
}

const Json* child(const Json& value, const std::string& token) {
  if (const auto* object = value.if_object()) return object->if_contains(token);
  const auto* array = value.if_array();
  const auto index = array == nullptr ? std::nullopt : parse_array_index(token);
  return index ? array->if_contains(*index) : nullptr;
}

std::optional<std::string> fragment_pointer(std::string_view reference) {
  if (!reference.starts_with('#')) return std::nullopt;
  std::string pointer;
  for (std::size_t i = 1; i < reference.size(); ++i) {
    if (reference[i] != '%') {
      pointer += reference[i];
      continue;
    }
    unsigned char byte = 0;
    const char* digits = reference.data() + i + 1;
    if (reference.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return std::nullopt;
    pointer += static_cast<char>(byte);
    i += 2;
  }
  return pointer;
}

Pattern read_pattern(const Place& at, std::string_view text) {
  auto pattern = Pattern::compile(text);
  if (!pattern) at.refuse("is not a regular expression: " + pattern.error().detail);
  return std::move(*pattern);
}

}  // namespace nacre::schema
