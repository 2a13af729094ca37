#pragma once

#include <compare>

#include "base/json.h"

namespace nacre {

/// A total order of JSON values that is equal exactly where JSON Schema and JSON Patch call values equal: numbers by their
/// mathematical value (1 and 1.0 are equal, integers are exact), objects whatever the order of their members. Beyond that the
/// order has no meaning; it serves to find equal values by sorting, in less than quadratic time whatever they are.
std::weak_ordering compare_json(const Json& a, const Json& b);

/// A number as a type that holds every int64, uint64 and double exactly.
long double json_number(const Json& number);

}  // namespace nacre
