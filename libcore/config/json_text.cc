#include "config/json_text.h"

#include <charconv>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include "base/ascii.h"
#include "config/surrogates.h"
#include "json/utf8.h"

namespace nacre::config {
namespace {

constexpr std::size_t kDeepestJson = 64;
constexpr std::string_view kJson = "allowed: JSON (RFC 8259)";

class JsonReader {
 public:
  explicit JsonReader(const Source& source) : source_(source), text_(source.text()) {}

  Value run() {
    auto value = read_value();
    skip_space();
    if (at_ < text_.size()) fail("something follows the value");
    return value;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { source_.fail(mark(), what, kJson); }

  /// Columns are bytes here, as in every Mark.
  Mark mark() const { return {line_, static_cast<int>(at_ - line_start_)}; }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  void expect(char c, std::string_view what) {
    skip_space();
    if (peek() != c) fail(at_ == text_.size() ? "the text ends too early" : what);
    ++at_;
  }

  bool take(char c) {
    skip_space();
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  Value read_value() {
    skip_space();
    const auto begin = mark();
    switch (peek()) {
      case '{':
        return read_object(begin);
      case '[':
        return read_array(begin);
      case '"': {
        Value value(Value::Kind::scalar, begin);
        value.text = read_string();
        return value;
      }
      default:
        return read_literal(begin);
    }
  }

  Value read_object(Mark begin) {
    Value object(Value::Kind::mapping, begin);
    std::unordered_set<std::string> names;
    enter();
    if (take('}')) return leave(std::move(object));
    do {
      skip_space();
      const auto place = mark();
      if (peek() != '"') fail(at_ == text_.size() ? "the text ends too early" : "a name between double quotes is missing");
      auto name = read_string();
      if (!names.insert(name).second)
        source_.fail(place, "the name " + quote(name) + " stands twice in this object", "allowed: each name once");
      expect(':', "a : is missing");
      object.members.push_back({std::move(name), place, read_value()});
    } while (take(','));
    expect('}', "a , or } is missing");
    return leave(std::move(object));
  }

  Value read_array(Mark begin) {
    Value array(Value::Kind::sequence, begin);
    enter();
    if (take(']')) return leave(std::move(array));
    do {
      array.items.push_back(read_value());
    } while (take(','));
    expect(']', "a , or ] is missing");
    return leave(std::move(array));
  }

  void enter() {
    if (++depth_ > kDeepestJson) source_.fail(mark(), "nested too deeply", "allowed: at most 64 levels");
    ++at_;
  }
  Value leave(Value value) {
    --depth_;
    return value;
  }

  /// true, false, null or a number.
  Value read_literal(Mark begin) {
    Value value(Value::Kind::scalar, begin);
    value.plain = true;
    const auto end = std::min(text_.find_first_not_of("+-.0123456789abcdefghijklmnopqrstuvwxyzE", at_), text_.size());
    value.text = text_.substr(at_, end - at_);
    if (value.text.empty()) fail(at_ == text_.size() ? "the text ends too early" : "no value begins so");
    const bool is_word = value.text == "true" || value.text == "false" || value.text == "null";
    if (!is_word && !is_number(value.text)) fail("not a value");
    at_ = end;
    return value;
  }

  static bool is_number(std::string_view text) {
    const auto digits = [&text] {
      const auto count = std::min(text.find_first_not_of("0123456789"), text.size());
      text.remove_prefix(count);
      return count;
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool zero = text.starts_with('0');
    const auto whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      if (digits() == 0) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
      text.remove_prefix(1);
      if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
      if (digits() == 0) return false;
    }
    return text.empty();
  }

  std::string read_string() {
    std::string result;
    ++at_;
    while (peek() != '"') {
      if (at_ == text_.size() || peek() == '\n') fail("a string that does not end");
      if (static_cast<unsigned char>(peek()) < 0x20) fail("a control character in a string");
      if (peek() == '\\') {
        read_escape(result);
      } else {
        result += text_[at_++];
      }
    }
    ++at_;
    return result;
  }

  void read_escape(std::string& result) {
    constexpr std::pair<char, char> kEscapes[] = {{'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'b', '\b'},
                                                  {'f', '\f'}, {'n', '\n'},  {'r', '\r'}, {'t', '\t'}};
    const char letter = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    for (const auto& [name, character] : kEscapes) {
      if (letter != name) continue;
      result += character;
      at_ += 2;
      return;
    }
    if (letter != 'u') fail("an escape that JSON does not have");
    auto c = hexadecimal();
    if (c >= 0xDC00 && c <= 0xDFFF) fail("a surrogate escape without its other half");
    if (c >= 0xD800 && c <= 0xDBFF) {
      if (text_.substr(at_, 2) != "\\u") fail("a surrogate escape without its other half");
      const auto low = hexadecimal();
      if (low < 0xDC00 || low > 0xDFFF) fail("a surrogate escape without its other half");
      c = 0x10000 + ((c - 0xD800) << 10U) + (low - 0xDC00);
    }
    append_utf8(result, c);
  }

  /// `\uXXXX` from here on.
  std::uint32_t hexadecimal() {
    std::uint32_t c = 0;
    const auto digits = text_.substr(at_ + 2, 4);
    if (digits.size() < 4 || std::from_chars(digits.data(), digits.data() + 4, c, 16).ptr != digits.data() + 4)
      fail("\\u needs four hexadecimal digits");
    at_ += 6;
    return c;
  }

  const Source& source_;
  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 0;
  std::size_t line_start_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

Value parse_json_text(const Source& source) { return JsonReader(source).run(); }

}  // namespace nacre::config
