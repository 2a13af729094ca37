#pragma once

#include <string>
#include <string_view>

#include "config/load.h"

namespace nacre::config {

/// A place in the text, in bytes and from 0, as yaml-cpp counts.
struct Mark {
  int line = 0;
  int column = 0;
};

/// The text being loaded: what messages are about. Checks that it is UTF-8 without control characters and at most 1 MiB, and
/// that tabs don't indent (YAML 1.2 §6.1, which yaml-cpp lets pass).
class Source {
 public:
  static constexpr std::size_t kMaximumSize = 1U << 20U;

  Source(std::string_view text, std::string_view name);

  /// Without a byte order mark.
  std::string_view text() const noexcept { return text_; }

  /// "NAME:LINE:COLUMN: what; allowed". The column counts characters, as editors do.
  [[noreturn]] void fail(Mark mark, std::string_view what, std::string_view allowed) const;

 private:
  std::string_view text_;
  std::string name_;
};

/// `text` between double quotes for a message: control characters as escapes, cut when long.
std::string quote(std::string_view text);

}  // namespace nacre::config
