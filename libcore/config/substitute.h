#pragma once

#include <filesystem>

#include "config/yaml.h"

namespace nacre::config {

/// Replaces in every scalar of the tree (not in keys) `${NAME}` by the environment's value, `${NAME:-default}` by `default`
/// where that is unset or empty, `${file:PATH}` by what the file holds, less one end of line at its end; `$${` stands for `${`.
/// In a `uri` it is one part of it (`as_uri_part`). Schemas stay as they are.
/// Since it comes after parsing, a value stays one scalar, whatever it holds. A relative PATH is below `prefix`. Throws
/// LoadError for what can't be replaced, all of it: values would be judged by what they don't hold.
void substitute(Value& value, const Source& source, const std::filesystem::path& prefix);

}  // namespace nacre::config
