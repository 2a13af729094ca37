#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/config.h"

namespace nacre::config {

/// Reads and checks a nacre.yaml. `${NAME}` and `${NAME:-default}` are taken from the environment, `${file:PATH}` from a file.
/// Throws LoadError for the first mistake. Relative paths in the file (the SQLite database) are below `prefix`.
std::shared_ptr<const Config> load(const std::filesystem::path& file, const std::filesystem::path& prefix);

/// The same for a text; `file_name` is what messages call it.
std::shared_ptr<const Config> load_text(std::string_view yaml, std::string_view file_name, const std::filesystem::path& prefix);

/// what(): "nacre.yaml:LINE:COLUMN: what is wrong; what is allowed", counted from 1. Never holds a secret.
class LoadError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace nacre::config
