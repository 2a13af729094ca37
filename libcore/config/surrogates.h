#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nacre::config {

/// yaml-cpp refuses `\ud83d\ude00`, which is one character in JSON, and YAML 1.2 wants to have JSON in it. So the escapes of
/// surrogates are changed before it reads them, to those of characters for private use (`\ue83d`), which keeps every column as
/// it is, and what becomes of them is changed back.
class Surrogates {
 public:
  explicit Surrogates(std::string_view text);

  /// What yaml-cpp is given.
  const std::string& text() const noexcept { return text_; }
  /// Whether the text holds escapes of surrogates and such characters besides: then they can't be told apart.
  bool ambiguous() const noexcept { return ambiguous_; }
  /// Changes back a scalar as yaml-cpp gives it: escapes that it decoded become characters, those that it left (in plain text,
  /// or between single quotes) are as they were. False: a surrogate without its other half.
  bool restore(std::string& scalar) const;

 private:
  std::string text_;
  bool any_ = false;
  bool ambiguous_ = false;
};

void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace nacre::config
