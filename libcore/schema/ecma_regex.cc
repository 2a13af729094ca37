#include "schema/ecma_regex.h"

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "json/utf8.h"
#include "schema/unicode_property.h"

namespace nacre::schema {
namespace {

using CodePoint = std::uint32_t;

constexpr CodePoint kLargestCodePoint = 0x10FFFF;
constexpr CodePoint kFirstSurrogate = 0xD800;
constexpr CodePoint kFirstLowSurrogate = 0xDC00;
constexpr CodePoint kLastSurrogate = 0xDFFF;
constexpr std::string_view kNever = "(?!)";

/// What a letter after a backslash stands for, as the inside of a class.
std::string_view class_of(char letter) {
  switch (letter) {
    case 'd':
      return "0-9";
    case 'D':
      return R"(\x{0}-\x{2f}\x{3a}-\x{10ffff})";
    case 'w':
      return "0-9A-Z_a-z";
    case 'W':
      return R"(\x{0}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{5e}\x{60}\x{7b}-\x{10ffff})";
    case 's':
      return R"(\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
    case 'S':
      return R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e})"
             R"(\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";
    default:
      return {};
  }
}

bool is_surrogate(CodePoint c) { return c >= kFirstSurrogate && c <= kLastSurrogate; }

void append_code_point(std::string& out, CodePoint c) {
  if (c < 0x80 && (is_alnum(static_cast<char>(c)) || c == '_')) {
    out += static_cast<char>(c);
    return;
  }
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof digits, c, 16).ptr;
  out.append("\\x{").append(digits, end).append("}");
}

/// Nothing of the range that is a surrogate can be in a text.
void append_range(std::string& out, CodePoint first, CodePoint last) {
  if (is_surrogate(first)) first = kLastSurrogate + 1;
  if (is_surrogate(last)) last = kFirstSurrogate - 1;
  if (first > last) return;
  append_code_point(out, first);
  if (first == last) return;
  out += '-';
  append_code_point(out, last);
}

/// Reads from left to right. Every method that reads returns false after `fail`.
class Translator {
 public:
  explicit Translator(std::string_view text) : text_(text) {}

  bool run() {
    if (!count_groups()) return false;
    while (at_ < text_.size()) {
      if (!step()) return false;
    }
    return open_.empty() || fail("a ( is not closed");
  }

  std::string take() { return std::move(out_); }
  std::string mistake() const { return "at byte " + std::to_string(mistake_at_) + ": " + mistake_; }

 private:
  enum class Group : std::uint8_t { plain, lookahead, lookbehind };

  bool fail(std::string_view why) {
    mistake_ = why;
    mistake_at_ = at_;
    return false;
  }

  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  bool is_next(char c) const { return at_ < text_.size() && text_[at_] == c; }

  bool emit(std::string_view translated, bool repeatable) {
    out_ += translated;
    repeatable_ = repeatable;
    return true;
  }

  /// References may come before their groups, so these are counted first.
  bool count_groups() {
    bool in_class = false;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '\\') {
        ++i;
      } else if (in_class || c == '[') {
        in_class = c != ']';
      } else if (c == '(') {
        const auto rest = text_.substr(i + 1);
        const bool named = rest.starts_with("?<") && !rest.starts_with("?<=") && !rest.starts_with("?<!");
        if (rest.starts_with('?') && !named) continue;
        ++groups_;
        at_ = i + 3;
        if (named && !names_.emplace(rest.substr(2, std::min(rest.find('>', 2), rest.size()) - 2), groups_).second) {
          return fail("two groups have this name");
        }
      }
    }
    at_ = 0;
    return true;
  }

  bool step() {
    const char c = text_[at_];
    switch (c) {
      case '(':
        return open_group();
      case ')':
        return close_group();
      case '|':
      case '^':
        ++at_;
        return emit({&c, 1}, false);
      case '$':
        ++at_;
        return emit(R"(\z)", false);
      case '.':
        ++at_;
        return emit(R"([^\n\r\x{2028}\x{2029}])", true);
      case '[':
        return character_class();
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
        return repeat(1);
      case '{':
        return braces();
      default:
        return character();
    }
  }

  bool character() {
    const auto c = code_point();
    return c && literal(*c);
  }

  bool literal(CodePoint c) {
    if (is_surrogate(c)) return emit(kNever, true);
    append_code_point(out_, c);
    repeatable_ = true;
    return true;
  }

  std::optional<CodePoint> code_point() {
    const auto length = utf8_sequence(text_, at_);
    if (length == 0) {
      fail("not UTF-8");
      return std::nullopt;
    }
    constexpr CodePoint kLead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    CodePoint c = static_cast<unsigned char>(text_[at_]) & kLead[length];
    for (std::size_t i = 1; i < length; ++i) c = c << 6U | (static_cast<unsigned char>(text_[at_ + i]) & 0x3FU);
    at_ += length;
    return c;
  }

  bool open_group() {
    ++at_;
    auto kind = Group::plain;
    std::string_view translated = "(";
    if (is_next('?')) {
      if (take("?:")) {
        translated = "(?:";
      } else if (take("?=") || take("?!")) {
        kind = Group::lookahead;
        translated = text_[at_ - 1] == '=' ? "(?=" : "(?!";
      } else if (take("?<=") || take("?<!")) {
        kind = Group::lookbehind;
        translated = text_[at_ - 1] == '=' ? "(?<=" : "(?<!";
      } else if (!take("?<") || !group_name()) {
        return fail("ECMA-262 has no such group; it has (?: (?= (?! (?<= (?<! and (?<name>");
      }
    }
    open_.push_back(kind);
    return emit(translated, false);
  }

  /// The name and the `>`.
  bool group_name() {
    const auto end = text_.find('>', at_);
    if (end == std::string_view::npos || end == at_ || is_digit(text_[at_])) return false;
    for (const char c : text_.substr(at_, end - at_)) {
      if (static_cast<unsigned char>(c) < 0x80 && !is_alnum(c) && c != '_' && c != '$') return false;
    }
    at_ = end + 1;
    return true;
  }

  bool close_group() {
    if (open_.empty()) return fail("this ) closes nothing");
    ++at_;
    const bool repeatable = open_.back() != Group::lookbehind;
    open_.pop_back();
    return emit(")", repeatable);
  }

  /// A quantifier of `length` bytes, and the `?` that may follow.
  bool repeat(std::size_t length) {
    if (!repeatable_) return fail("nothing to repeat");
    const auto quantifier = text_.substr(at_, length);
    at_ += length;
    emit(quantifier, false);
    return !take("?") || emit("?", false);
  }

  /// `{n}`, `{n,}`, `{n,m}`; any other brace is a character.
  bool braces() {
    const char* const begin = text_.data() + at_;
    const char* const end = text_.data() + text_.size();
    std::uint64_t least = 0;
    std::uint64_t most = UINT64_MAX;
    auto number = std::from_chars(begin + 1, end, least);
    const bool has_least = number.ptr != begin + 1;
    const char* at = number.ptr;
    if (has_least && at != end && *at == ',') {
      at = std::from_chars(at + 1, end, most).ptr;
    } else {
      most = least;
    }
    if (!has_least || at == end || *at != '}') return character();
    if (least > most) return fail("the numbers of a quantifier are the wrong way round");
    return repeat(static_cast<std::size_t>(at + 1 - begin));
  }

  bool escape() {
    ++at_;
    if (at_ == text_.size()) return fail("a \\ at the end");
    const char c = text_[at_];
    if (c == 'b' || c == 'B') {
      ++at_;
      return emit(c == 'b' ? R"(\b)" : R"(\B)", false);
    }
    if (c >= '1' && c <= '9') return numbered_reference();
    if (c == 'k') return named_reference();
    if (const auto set = set_escape()) return emit("[" + *set + "]", true);
    if (!mistake_.empty()) return false;
    const auto character = character_escape();
    return character && literal(*character);
  }

  bool numbered_reference() {
    std::size_t number = 0;
    const auto parsed = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (parsed.ec != std::errc{} || number > groups_) return octal();
    at_ = static_cast<std::size_t>(parsed.ptr - text_.data());
    return emit("\\g{" + std::to_string(number) + "}", true);
  }

  /// Where there is no such group, `\12` is a character by its octal number, and `\8` an 8 (Annex B.1.2).
  bool octal() {
    CodePoint c = 0;
    const auto begin = at_;
    while (at_ < text_.size() && at_ - begin < 3 && text_[at_] >= '0' && text_[at_] < '8' && c * 8 < 0400) {
      c = c * 8 + static_cast<CodePoint>(text_[at_++] - '0');
    }
    return at_ > begin ? literal(c) : character();
  }

  bool named_reference() {
    const auto begin = at_ + 2;
    if (!take("k<") || !group_name()) return fail("\\k needs the <name> of a group");
    const auto found = names_.find(text_.substr(begin, at_ - 1 - begin));
    if (found == names_.end()) return fail("there is no group of this name");
    return emit("\\g{" + std::to_string(found->second) + "}", true);
  }

  /// `\d`, `\p{L}` and the like as the inside of a class; nullopt and no mistake: another escape.
  std::optional<std::string> set_escape() {
    const char c = text_[at_];
    if (const auto set = class_of(c); !set.empty()) {
      ++at_;
      return std::string(set);
    }
    if (c != 'p' && c != 'P') return std::nullopt;
    const auto end = text_.find('}', at_);
    if (text_.substr(at_ + 1, 1) != "{" || end == std::string_view::npos) {
      fail("\\p needs the {Name} of a property");
      return std::nullopt;
    }
    const auto property = unicode_property(text_.substr(at_ + 2, end - at_ - 2));
    if (!property) {
      fail("ECMA-262 has no such property of characters");
      return std::nullopt;
    }
    at_ = end + 1;
    return std::string("\\") + c + *property;
  }

  /// The character that what follows a backslash stands for.
  std::optional<CodePoint> character_escape() {
    const char c = text_[at_];
    if (!is_alnum(c)) return code_point();
    ++at_;
    constexpr std::pair<char, CodePoint> kControls[] = {{'f', 0xC}, {'n', 0xA}, {'r', 0xD}, {'t', 0x9}, {'v', 0xB}};
    for (const auto& [letter, control] : kControls) {
      if (c == letter) return control;
    }
    if (c == '0' && !(at_ < text_.size() && is_digit(text_[at_]))) return CodePoint{0};
    if (c == 'c' && at_ < text_.size() && is_letter(text_[at_])) return static_cast<CodePoint>(text_[at_++]) % 32;
    if (c == 'x') return hexadecimal(2);
    if (c == 'u') return unicode_escape();
    --at_;
    fail("ECMA-262 has no such escape");
    return std::nullopt;
  }

  std::optional<CodePoint> unicode_escape() {
    if (take("{")) {
      const auto digits = text_.find('}', at_);
      if (digits == std::string_view::npos || digits == at_ || digits - at_ > 6) {
        fail("\\u{ needs hexadecimal digits and }");
        return std::nullopt;
      }
      const auto c = hexadecimal(digits - at_);
      ++at_;
      if (c && *c <= kLargestCodePoint) return c;
      fail("\\u{ needs a code point");
      return std::nullopt;
    }
    const auto high = hexadecimal(4);
    if (!high || *high < kFirstSurrogate || *high >= kFirstLowSurrogate) return high;
    const auto before = at_;
    if (take("\\u") && !is_next('{')) {
      const auto low = hexadecimal(4);
      if (!low) return std::nullopt;
      if (*low >= kFirstLowSurrogate && *low <= kLastSurrogate)
        return 0x10000 + ((*high - kFirstSurrogate) << 10U) + (*low - kFirstLowSurrogate);
    }
    at_ = before;
    return high;
  }

  std::optional<CodePoint> hexadecimal(std::size_t digits) {
    CodePoint c = 0;
    const char* const begin = text_.data() + at_;
    if (text_.size() - at_ < digits || std::from_chars(begin, begin + digits, c, 16).ptr != begin + digits) {
      fail("hexadecimal digits are missing");
      return std::nullopt;
    }
    at_ += digits;
    return c;
  }

  /// One member of a class: a character, or a set of them that no range can have.
  struct Atom {
    CodePoint character = 0;
    std::string set;
  };

  std::optional<Atom> class_atom() {
    if (!is_next('\\')) {
      const auto rest = text_.substr(at_);
      if (rest.starts_with("[:") && rest.find(":]") != std::string_view::npos) {
        fail("ECMA-262 has no classes by name, as [:alpha:]");
        return std::nullopt;
      }
      const auto c = code_point();
      return c ? std::optional(Atom{*c, {}}) : std::nullopt;
    }
    ++at_;
    if (at_ == text_.size()) {
      fail("a [ is not closed");
      return std::nullopt;
    }
    if (take("b")) return Atom{0x8, {}};
    if (auto set = set_escape()) return Atom{0, std::move(*set)};
    if (!mistake_.empty()) return std::nullopt;
    const auto c = character_escape();
    return c ? std::optional(Atom{*c, {}}) : std::nullopt;
  }

  bool character_class() {
    const auto opened = at_++;
    const bool negated = take("^");
    std::string inside;
    while (!take("]")) {
      if (at_ == text_.size()) {
        at_ = opened;
        return fail("this [ is not closed");
      }
      if (!class_member(inside)) return false;
    }
    // PCRE2 has no empty class of its own accord.
    if (inside.empty()) return emit(negated ? std::string_view(R"([\x{0}-\x{10ffff}])") : kNever, true);
    return emit((negated ? "[^" : "[") + inside + "]", true);
  }

  /// An atom or a range. Beside a set a `-` is a character (Annex B.1.2).
  bool class_member(std::string& inside) {
    const auto first = class_atom();
    if (!first) return false;
    const auto rest = text_.substr(at_);
    const bool is_range = rest.size() > 1 && rest[0] == '-' && rest[1] != ']';
    if (!is_range) {
      append_atom(inside, *first);
      return true;
    }
    ++at_;
    const auto last = class_atom();
    if (!last) return false;
    if (first->set.empty() && last->set.empty()) {
      if (first->character > last->character) return fail("a range of characters is the wrong way round");
      append_range(inside, first->character, last->character);
      return true;
    }
    append_atom(inside, *first);
    append_code_point(inside, '-');
    append_atom(inside, *last);
    return true;
  }

  static void append_atom(std::string& inside, const Atom& atom) {
    if (atom.set.empty()) {
      append_range(inside, atom.character, atom.character);
    } else {
      inside += atom.set;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  bool repeatable_ = false;  ///< a quantifier may follow
  std::vector<Group> open_;
  std::size_t groups_ = 0;
  std::map<std::string_view, std::size_t> names_;
  std::string mistake_;
  std::size_t mistake_at_ = 0;
};

}  // namespace

Result<std::string> to_pcre2(std::string_view ecma) {
  Translator translator{ecma};
  if (!translator.run()) return Failure{Error::unprocessable, translator.mistake()};
  return translator.take();
}

bool is_regex(std::string_view text) { return Translator{text}.run(); }

}  // namespace nacre::schema
