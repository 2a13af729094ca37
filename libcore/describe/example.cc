#include "describe/example.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace nacre::describe {
namespace {

Json example_string(const JsonObject& schema) {
  const auto* format = schema.if_contains("format");
  const auto is = [&](std::string_view name) {
    return format != nullptr && format->is_string() && format->get_string() == name;
  };
  if (is("date-time")) return "2026-01-02T03:04:05Z";
  if (is("date")) return "2026-01-02";
  if (is("email")) return "ada@example.org";
  if (is("uri")) return "https://example.org/";
  if (is("uuid")) return "0b0e7a52-6ad5-4b3c-9c53-7a0c5f0c2d11";
  std::string text = "text";
  const auto length = [&](std::string_view name, std::size_t otherwise) {
    const auto* value = schema.if_contains(name);
    return value != nullptr && value->is_int64() ? static_cast<std::size_t>(value->get_int64()) : otherwise;
  };
  constexpr std::size_t kLongest = 100;
  while (text.size() < std::min(length("minLength", 0), kLongest)) text += " text";
  text.resize(std::min(text.size(), length("maxLength", text.size())));
  return Json(text);
}

/// Whether text can be made up for it.
bool is_simple(const Json& schema) { return !schema.is_object() || !schema.get_object().contains("pattern"); }

Json example_below(const Json& schema, int depth);

Json example_object(const JsonObject& schema, int depth) {
  constexpr std::size_t kEnough = 3;
  JsonObject object;
  const auto* properties = schema.if_contains("properties");
  if (properties == nullptr || !properties->is_object() || depth == 0) return object;
  const auto add = [&](std::string_view name) {
    const auto* property = properties->get_object().if_contains(name);
    object.emplace(name, property != nullptr ? example_below(*property, depth - 1) : Json("text"));
  };
  if (const auto* required = schema.if_contains("required"); required != nullptr && required->is_array()) {
    for (const auto& name : required->get_array()) {
      if (name.is_string()) add(name.get_string());
    }
  }
  for (const auto& [name, property] : properties->get_object()) {
    if (object.size() < kEnough && is_simple(property)) add(name);
  }
  return object;
}

std::string_view first_type(const JsonObject& schema) {
  const auto* type = schema.if_contains("type");
  if (type != nullptr && type->is_array() && !type->get_array().empty()) type = type->get_array().data();
  if (type != nullptr && type->is_string()) return type->get_string();
  return schema.contains("properties") ? "object" : "string";
}

Json example_below(const Json& value, int depth) {
  if (!value.is_object()) return "text";
  const auto& schema = value.get_object();
  for (const auto* key : {"const", "default"}) {
    if (const auto* given = schema.if_contains(key)) return *given;
  }
  for (const auto* key : {"examples", "enum"}) {
    const auto* given = schema.if_contains(key);
    if (given != nullptr && given->is_array() && !given->get_array().empty()) return given->get_array().front();
  }
  const auto type = first_type(schema);
  if (type == "object") return example_object(schema, depth);
  if (type == "array") {
    const auto* items = schema.if_contains("items");
    return items != nullptr && depth > 0 ? JsonArray{example_below(*items, depth - 1)} : JsonArray{};
  }
  if (type == "integer" || type == "number") {
    const auto* minimum = schema.if_contains("minimum");
    return minimum != nullptr && minimum->is_number() ? *minimum : Json(1);
  }
  if (type == "boolean") return true;
  if (type == "null") return nullptr;
  return example_string(schema);
}

}  // namespace

Json example(const Json& schema) {
  constexpr int kDeepest = 4;
  return example_below(schema, kDeepest);
}

}  // namespace nacre::describe
