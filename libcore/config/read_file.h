#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace nacre::config {

/// The first bytes of a regular file, at most `most`. Throws std::runtime_error, which says why it can't be read: a pipe or a
/// device would make nginx wait for what may never come.
std::string read_file(const std::filesystem::path& file, std::size_t most);

}  // namespace nacre::config
