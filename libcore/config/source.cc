#include "config/source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/utf8.h"

namespace nacre::config {
namespace {

constexpr std::size_t kLongestQuote = 60;

Mark mark_at(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const auto start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(line), static_cast<int>(offset - start)};
}

/// Columns in characters: bytes that continue a character are not counted. A mark past the end counts as the end.
std::size_t characters(std::string_view text, Mark mark) {
  std::size_t start = 0;
  for (int line = 0; line < mark.line && start != std::string_view::npos; ++line) {
    start = text.find('\n', start);
    start = start == std::string_view::npos ? start : start + 1;
  }
  if (start == std::string_view::npos) return static_cast<std::size_t>(mark.column);
  const auto head = text.substr(start, static_cast<std::size_t>(mark.column));
  const auto inside = std::count_if(head.begin(), head.end(), [](char c) { return (c & 0xC0) == 0x80; });
  return static_cast<std::size_t>(mark.column - inside);
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x7F || (byte < 0x20 && c != '\t' && c != '\n' && c != '\r');
}

/// Whether brackets are open at the begin of each line, read from left to right as roughly as the question needs: in flow
/// style, which is how JSON is pasted, tabs may indent (YAML 1.2 §6.1).
class Brackets {
 public:
  bool open() const { return depth_ > 0; }

  void read(char c) {
    if (comment_) {
      comment_ = c != '\n';
    } else if (quote_ != '\0') {
      if (escaped_ || c == quote_) quote_ = escaped_ ? quote_ : '\0';
      escaped_ = !escaped_ && c == '\\' && quote_ == '"';
    } else if (c == '#' && (before_ == ' ' || before_ == '\n' || before_ == '\t')) {
      comment_ = true;
    } else if ((c == '"' || c == '\'') && begins_value_) {
      quote_ = c;
    } else if (c == '{' || c == '[') {
      if (depth_ > 0 || begins_value_) ++depth_;
    } else if ((c == '}' || c == ']') && depth_ > 0) {
      --depth_;
    }
    const bool space = c == ' ' || c == '\t' || c == '\r';
    if (!space) begins_value_ = c == '\n' || c == ':' || c == '-' || c == ',' || c == '[' || c == '{';
    before_ = c;
  }

 private:
  std::size_t depth_ = 0;
  char quote_ = '\0';
  char before_ = '\n';
  bool escaped_ = false;
  bool comment_ = false;
  bool begins_value_ = true;
};

/// The first tab that stands where indentation does, or npos. Blank lines may hold any.
std::size_t find_indenting_tab(std::string_view text) {
  Brackets brackets;
  for (std::size_t start = 0; start < text.size();) {
    const auto first = std::min(text.find_first_not_of(" \t\r", start), text.size());
    const auto tab = text.substr(start, first - start).find('\t');
    if (tab != std::string_view::npos && first < text.size() && text[first] != '\n' && !brackets.open()) return start + tab;
    const auto end = std::min(text.find('\n', first), text.size());
    for (const char c : text.substr(start, end + 1 - start)) brackets.read(c);
    start = end + 1;
  }
  return std::string_view::npos;
}

}  // namespace

Source::Source(std::string_view text, std::string_view name, std::shared_ptr<Findings> findings, Syntax syntax)
    : text_(text), name_(name), findings_(std::move(findings)) {
  if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  if (text_.size() > kMaximumSize) {
    text_ = text_.substr(0, 0);
    fail({}, "the file is too large", "allowed: at most 1 MiB");
  }
  if (const auto bad = find_invalid_utf8(text_); bad != std::string_view::npos) {
    fail(mark_at(text_, bad), "not UTF-8", "allowed: text in UTF-8");
  }
  if (const auto control = std::find_if(text_.begin(), text_.end(), is_control); control != text_.end()) {
    fail(mark_at(text_, static_cast<std::size_t>(control - text_.begin())), "control character",
         "allowed: printable characters, spaces and ends of lines");
  }
  if (const auto tab = find_indenting_tab(text_); syntax == Syntax::yaml && tab != std::string_view::npos) {
    fail(mark_at(text_, tab), "a tab indents this line", "allowed: spaces");
  }
}

void Source::fail(Mark mark, std::string_view what, std::string_view allowed) const {
  throw LoadError(message(mark, what, allowed));
}

void Source::report(Mark mark, std::string_view what, std::string_view allowed) const {
  findings_->mistake(message(mark, what, allowed));
}

void Source::warn(Mark mark, std::string_view what, std::string_view advice) const {
  findings_->warning(message(mark, what, advice));
}

std::string Source::message(Mark mark, std::string_view what, std::string_view allowed) const {
  std::string message = name_;
  message.append(":").append(std::to_string(mark.line + 1));
  message.append(":").append(std::to_string(characters(text_, mark) + 1));
  message.append(": ").append(what).append(allowed.empty() ? "" : "; ").append(allowed);
  // One line, also where a library quotes the file in its words.
  std::replace_if(
      message.begin(), message.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return message;
}

std::string quote(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const bool cut = text.size() > kLongestQuote;
  auto end = std::min(text.size(), kLongestQuote);
  while (cut && end > 0 && (text[end] & 0xC0) == 0x80) --end;
  std::string quoted = "\"";
  for (const char c : text.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      quoted += c;
    } else {
      quoted.append({'\\', 'x', kHex[byte >> 4U], kHex[byte & 0xFU]});
    }
  }
  return quoted.append(cut ? "…\"" : "\"");
}

}  // namespace nacre::config
