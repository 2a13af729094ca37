#pragma once

#include <exception>

#include "base/error.h"

namespace nacre {

/// What the exception that is being handled says of itself, whatever its type; for `catch (...)` blocks, and good as long as
/// they run.
inline const char* what_was_thrown() noexcept {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something was thrown that is no std::exception";
  }
}

/// The same as a failure of Error::internal.
inline Failure thrown_failure() noexcept {
  Failure failure(Error::internal);
  try {
    failure.internal = what_was_thrown();
  } catch (...) {  // there is no memory for the words
  }
  return failure;
}

}  // namespace nacre
