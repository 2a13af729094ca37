#include "schema/integer_range.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <string>

#include "json/parse.h"
#include "json/pointer.h"
#include "schema/validator.h"

namespace nacre::schema {
namespace {

/// An object or an array on the way to a value, and the member or item at which the way goes on.
struct Holder {
  const Json* value;
  std::size_t at = 0;

  const Json* next() const noexcept {
    if (const auto* object = value->if_object()) return at < object->size() ? &object->begin()[at].value() : nullptr;
    if (const auto* array = value->if_array()) return at < array->size() ? &(*array)[at] : nullptr;
    return nullptr;
  }
};

std::string pointer_of(const std::vector<Holder>& way) {
  std::string pointer;
  for (const Holder& holder : way) {
    if (const auto* object = holder.value->if_object()) {
      append_pointer_token(pointer, object->begin()[holder.at].key());
    } else {
      append_pointer_token(pointer, holder.at);
    }
  }
  return pointer;
}

}  // namespace

bool is_out_of_range(const Json* value) noexcept {
  constexpr double kEnd = 9'223'372'036'854'775'808.0;  // of 64 bits
  const double* number = value->if_double();
  return number != nullptr && (*number < -kEnd || *number >= kEnd);
}

/// Walks the document, whose depth costs no stack. What is looked for are addresses in it.
std::vector<FieldError> out_of_range(const Json& document, const std::vector<const Json*>& values) {
  std::vector<FieldError> errors;
  std::vector<const Json*> wanted;
  std::copy_if(values.begin(), values.end(), std::back_inserter(wanted), is_out_of_range);
  if (wanted.empty()) return errors;
  std::sort(wanted.begin(), wanted.end(), std::less<>{});
  std::size_t bytes = 0;
  for (std::vector<Holder> way{{&document}}; !way.empty() && errors.size() < kMaxErrors && bytes < kMaxErrorBytes;) {
    const Json* value = way.back().next();
    if (value == nullptr) {
      way.pop_back();
      if (!way.empty()) ++way.back().at;
      continue;
    }
    if (std::binary_search(wanted.begin(), wanted.end(), value, std::less<>{})) {
      errors.push_back({pointer_of(way), std::string(kIntegerRange)});
      bytes += errors.back().pointer.size();
    }
    way.push_back({value});
  }
  return errors;
}

}  // namespace nacre::schema
