#pragma once

#include <cstddef>
#include <cstdint>

#include "base/json.h"

namespace nacre {

/// A hash that is the same for values that compare_json calls equal. Its key is random and the process's own: no client can
/// choose values that share one. Counts the values that it looked at in `steps`.
std::uint64_t hash_json(const Json& value, std::size_t& steps);

/// Whether two items of an array are equal, in a time that grows with its size whatever it holds.
bool has_equal_items(const JsonArray& array, std::size_t& steps);

}  // namespace nacre
