#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

extern "C" {
struct pcre2_real_code_8;
}

namespace nacre::schema {

/// A regular expression of a schema, as ECMA-262 writes them, searched for anywhere in a text. Immutable.
class Pattern {
 public:
  /// Error::unprocessable, whose detail says what is wrong and where.
  static Result<Pattern> compile(std::string_view text);

  enum class Effort : std::uint8_t { usual, great };
  enum class Found : std::uint8_t { no, yes, gave_up };

  /// Searches a UTF-8 text. Work and memory are bounded: the usual effort ends in well under 0.1 ms and is enough for most
  /// texts, the great one ends in some 10 ms, however the pattern backtracks.
  Found search(std::string_view text, Effort effort) const noexcept;

  const std::string& text() const noexcept { return text_; }

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const noexcept;
  };
  using Code = std::unique_ptr<pcre2_real_code_8, Free>;

  Pattern(std::string text, Code code) : text_(std::move(text)), code_(std::move(code)) {}

  std::string text_;
  Code code_;
};

}  // namespace nacre::schema
