#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace nacre::query {

inline constexpr std::size_t kMaxParameters = 100;

/// Takes a query string apart as application/x-www-form-urlencoded (a plus is a space), in its order. Names and values are
/// UTF-8. Error::bad_request for a percent sign without two hex digits, invalid UTF-8, a name that comes twice, and more than
/// kMaxParameters.
Result<std::vector<std::pair<std::string, std::string>>> parse_parameters(std::string_view raw_query);

}  // namespace nacre::query
