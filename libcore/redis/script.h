#pragma once

#include <array>
#include <string_view>

namespace nacre::redis {

/// A Lua script, which a server carries out as one step. Meant for constants.
class Script {
 public:
  /// `source` must live as long.
  explicit Script(std::string_view source) noexcept;

  std::string_view source() const noexcept { return source_; }
  /// The name that servers know it by: SHA-1 in hexadecimal.
  std::string_view name() const noexcept { return {name_.data(), name_.size()}; }

 private:
  std::string_view source_;
  std::array<char, 40> name_;
};

}  // namespace nacre::redis
