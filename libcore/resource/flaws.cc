#include "resource/flaws.h"

#include "json/pointer.h"
#include "json/write.h"

namespace nacre::resource {

/// The error, its field's path without indexes, and the value there.
std::string Flaws::identity(const Json& document, const FieldError& error) {
  std::string identity = error.detail;
  const Json* value = &document;
  for (const std::string& token : parse_pointer(error.pointer).value_or(std::vector<std::string>())) {
    identity += '\0';
    const JsonArray* const array = value != nullptr ? value->if_array() : nullptr;
    if (array != nullptr) {
      const auto index = parse_array_index(token);
      value = index ? array->if_contains(*index) : nullptr;
    } else {
      identity += token;
      value = value != nullptr && value->is_object() ? value->get_object().if_contains(token) : nullptr;
    }
  }
  identity += '\0';
  if (value != nullptr) append_json(identity, *value);
  return identity;
}

}  // namespace nacre::resource
