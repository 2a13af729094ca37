#include "schema/place.h"

#include <algorithm>
#include <limits>

#include "json/pointer.h"
#include "schema/node.h"

namespace nacre::schema {

void Place::refuse(std::string detail) const { throw Mistake{location(), std::move(detail)}; }

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

Place Place::member(std::string_view name) const { return {object().if_contains(name), below(pointer, name), document}; }

Place Place::item(std::size_t index) const { return {&array()[index], below(pointer, std::to_string(index)), document}; }

std::vector<std::pair<std::string, Place>> Place::members() const {
  std::vector<std::pair<std::string, Place>> result;
  for (const auto& member : object()) {
    result.emplace_back(member.key(), Place{&member.value(), below(pointer, member.key()), document});
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

Pattern read_pattern(const Place& at, std::string_view text) {
  auto pattern = Pattern::compile(text);
  if (!pattern) at.refuse("is not a regular expression of ECMA-262: " + pattern.error().detail);
  return std::move(*pattern);
}

}  // namespace nacre::schema
