#include "schema/regex_syntax.h"

#include <charconv>
#include <cstddef>
#include <cstdint>

#include "base/ascii.h"

namespace nacre::schema {
namespace {

/// Reads from left to right; parentheses are counted.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool run() {
    while (!rest_.empty()) {
      if (!step()) return false;
    }
    return open_ == 0;
  }

 private:
  bool step() {
    if (take("(")) return open_group();
    if (take(")")) {
      repeatable_ = true;
      return open_-- > 0;
    }
    if (take("|") || take("^") || take("$")) return nothing_to_repeat();
    if (take("[")) return character_class();
    if (take("\\")) return escape();
    if (rest_[0] == '*' || rest_[0] == '+' || rest_[0] == '?') {
      rest_.remove_prefix(1);
      return repeat();
    }
    std::size_t length = 0;
    if (braces(length)) {
      rest_.remove_prefix(length);
      return length > 0 && repeat();
    }
    rest_.remove_prefix(1);
    repeatable_ = true;
    return true;
  }

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool nothing_to_repeat() {
    repeatable_ = false;
    return true;
  }

  bool repeat() {
    if (!repeatable_) return false;
    take("?");
    return nothing_to_repeat();
  }

  bool open_group() {
    ++open_;
    nothing_to_repeat();
    if (!take("?")) return true;
    if (take(":") || take("=") || take("!") || take("<=") || take("<!")) return true;
    if (!take("<")) return false;
    const auto end = rest_.find('>');
    if (end == std::string_view::npos || end == 0 || is_digit(rest_[0])) return false;
    for (const char c : rest_.substr(0, end)) {
      if (!is_letter(c) && !is_digit(c) && c != '_' && c != '$') return false;
    }
    rest_.remove_prefix(end + 1);
    return true;
  }

  /// `{n}`, `{n,}`, `{n,m}` from here on: `length` is theirs, or 0 when the numbers are the wrong way round. Any other brace is
  /// a character.
  bool braces(std::size_t& length) const {
    if (rest_[0] != '{') return false;
    const char* at = rest_.data() + 1;
    const char* const end = rest_.data() + rest_.size();
    std::uint64_t least = 0;
    auto number = std::from_chars(at, end, least);
    if (number.ptr == at || number.ptr == end) return false;
    std::uint64_t most = least;
    at = number.ptr;
    if (*at == ',') {
      number = std::from_chars(++at, end, most);
      if (number.ptr == at) most = UINT64_MAX;
      at = number.ptr;
    }
    if (at == end || *at != '}') return false;
    length = least <= most ? static_cast<std::size_t>(at + 1 - rest_.data()) : 0;
    return true;
  }

  bool escape() {
    constexpr std::string_view kLetters = "dDwWsSbBfnrtv";
    if (rest_.empty()) return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    repeatable_ = c != 'b' && c != 'B';
    if (!is_letter(c) || kLetters.find(c) != std::string_view::npos) return true;
    switch (c) {
      case 'c':
        return !rest_.empty() && is_letter(rest_[0]) && skip(1);
      case 'x':
        return hex(2);
      case 'u':
        return take("{") ? until('}') : hex(4);
      case 'p':
      case 'P':
        return take("{") && until('}');
      case 'k':
        return take("<") && until('>');
      default:
        return false;
    }
  }

  bool character_class() {
    take("^");
    while (!rest_.empty()) {
      if (take("]")) {
        repeatable_ = true;
        return true;
      }
      if (take("\\")) {
        if (!escape()) return false;
      } else {
        rest_.remove_prefix(1);
      }
    }
    return false;
  }

  bool skip(std::size_t count) {
    rest_.remove_prefix(count);
    return true;
  }

  bool hex(std::size_t digits) {
    if (rest_.size() < digits) return false;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_hex(rest_[i])) return false;
    }
    return skip(digits);
  }

  bool until(char end) {
    const auto at = rest_.find(end);
    return at != std::string_view::npos && at > 0 && skip(at + 1);
  }

  std::string_view rest_;
  std::size_t open_ = 0;
  bool repeatable_ = false;  ///< a quantifier may follow
};

}  // namespace

bool is_regex(std::string_view text) { return Scanner{text}.run(); }

}  // namespace nacre::schema
