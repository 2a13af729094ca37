#include "config/read_file.h"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace nacre::config {

std::string read_file(const std::filesystem::path& file, std::size_t most) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    throw std::runtime_error(error ? error.message() : "it is no regular file");
  }
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string text(most, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) throw std::runtime_error(std::generic_category().message(errno));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace nacre::config
