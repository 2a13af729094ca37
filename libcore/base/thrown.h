#pragma once

#include <exception>

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

}  // namespace nacre
