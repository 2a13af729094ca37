#pragma once

#include <vector>

#include "base/error.h"
#include "base/json.h"

/// JSON Schema knows integers of any size (draft 7 §6.1.1: numbers without a fraction); stores keep 64 bits of them.
namespace nacre::schema {

/// Whether it is a double beyond the integers of 64 bits.
bool is_out_of_range(const Json* value) noexcept;

/// An error for each place in the document that one of the values stands at and is out of range, in the document's order; about
/// as many as a Validator gives at most.
std::vector<FieldError> out_of_range(const Json& document, const std::vector<const Json*>& values);

}  // namespace nacre::schema
