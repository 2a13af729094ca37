#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"

namespace nacre::config {

/// Reads and checks a nacre.yaml. `${NAME}` and `${NAME:-default}` are taken from the environment, `${file:PATH}` from a file.
/// Throws LoadError for all mistakes that can be told at once. Relative paths in the file (the SQLite database) are below
/// `prefix`.
std::shared_ptr<const Config> load(const std::filesystem::path& file, const std::filesystem::path& prefix);

/// The same for a text; `file_name` is what messages call it.
std::shared_ptr<const Config> load_text(std::string_view yaml, std::string_view file_name, const std::filesystem::path& prefix);

/// Messages are "nacre.yaml:LINE:COLUMN: what is wrong; what is allowed", counted from 1, one line each. None holds a secret.
class LoadError : public std::runtime_error {
 public:
  explicit LoadError(const std::string& message) : LoadError(std::vector{message}) {}
  /// what() is the first. None: the mistakes are kept by Findings already.
  explicit LoadError(std::vector<std::string> messages)
      : std::runtime_error(messages.empty() ? "mistakes that were told" : messages.front()),
        messages_(std::make_shared<const std::vector<std::string>>(std::move(messages))) {}

  /// At most 20, and perhaps one that counts the rest.
  const std::vector<std::string>& messages() const noexcept { return *messages_; }

 private:
  std::shared_ptr<const std::vector<std::string>> messages_;  ///< copies of an exception must not throw
};

}  // namespace nacre::config
