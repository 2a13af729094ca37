#include "config/substitute.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <utility>

#include "config/uri_part.h"
#include "config/utf8.h"

namespace nacre::config {
namespace {

constexpr std::size_t kLargestFile = 64U << 10U;
constexpr std::size_t kLargestSum = 16U << 20U;
constexpr std::string_view kForms = "allowed: ${NAME}, ${NAME:-default}, ${file:PATH}; $${ for ${ itself";

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

class Substitution {
 public:
  Substitution(const Source& source, const std::filesystem::path& prefix) : source_(source), prefix_(prefix) {}

  void walk(Value& value, bool is_uri = false) {
    if (value.kind == Value::Kind::scalar) source_.findings().attempt([&] { scalar(value, is_uri); });
    for (auto& item : value.items) walk(item);
    for (auto& member : value.members) walk(member.value, member.key == "uri");
  }

  /// Schemas are others' texts, and `${` means nothing in them.
  void walk_root(Value& root) {
    for (auto& member : root.members) {
      if (member.key != "resources") {
        walk(member.value);
        continue;
      }
      for (auto& resource : member.value.members) {
        for (auto& part : resource.value.members) {
          if (part.key != "schema" || part.value.kind == Value::Kind::scalar) walk(part.value);
        }
      }
    }
  }

 private:
  void scalar(Value& value, bool is_uri) {
    const std::string_view text = value.text;
    std::string result;
    std::size_t done = 0;
    for (auto at = text.find("${"); at != std::string_view::npos; at = text.find("${", done)) {
      if (at > done && text[at - 1] == '$') {
        result.append(text.substr(done, at - 1 - done)).append("${");
        done = at + 2;
        continue;
      }
      const auto end = text.find('}', at);
      if (end == std::string_view::npos) source_.fail(value.mark, "${ without }", kForms);
      const auto part = look_up(text.substr(at + 2, end - at - 2), value.mark);
      result.append(text.substr(done, at - done)).append(is_uri ? as_uri_part(text, at, part) : part);
      done = end + 1;
    }
    if (done == 0) return;
    result.append(text.substr(done));
    if ((sum_ += result.size()) > kLargestSum) source_.fail(value.mark, "too much is substituted", "allowed: 16 MiB in all");
    value.written = std::exchange(value.text, std::move(result));
  }

  std::string look_up(std::string_view reference, Mark mark) const {
    constexpr std::string_view kFile = "file:";
    std::string text;
    if (reference.starts_with(kFile)) {
      text = read_file(reference.substr(kFile.size()), mark);
    } else {
      text = read_environment(reference, mark);
    }
    if (find_invalid_utf8(text) != std::string_view::npos || text.find('\0') != std::string::npos) {
      source_.fail(mark, quote("${" + std::string(reference) + "}") + " is not text", "allowed: UTF-8 without NUL");
    }
    return text;
  }

  std::string read_environment(std::string_view reference, Mark mark) const {
    const auto separator = reference.find(":-");
    const std::string name(reference.substr(0, separator));
    if (!is_name(name)) source_.fail(mark, quote("${" + std::string(reference) + "}") + " names no variable", kForms);
    const char* set = std::getenv(name.c_str());
    if (separator != std::string_view::npos && (set == nullptr || *set == '\0')) {
      return std::string(reference.substr(separator + 2));
    }
    if (set == nullptr) {
      source_.fail(mark, "the variable " + name + " is not set",
                   "allowed: a variable that is set, or ${" + name + ":-default}");
    }
    return set;
  }

  std::string read_file(std::string_view path, Mark mark) const {
    const auto file = prefix_ / path;
    const auto fail = [&](const std::string& what) {
      source_.fail(mark, "the file " + quote(path) + ' ' + what, "allowed: a readable file of at most 64 KiB");
    };
    std::error_code error;
    // A pipe or a device would make nginx wait for what may never come.
    if (!std::filesystem::is_regular_file(file, error))
      fail(error ? "can't be read (" + error.message() + ")" : "is no regular file");
    std::ifstream stream(file, std::ios::binary);
    std::string text(kLargestFile + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad() || !stream.is_open()) fail("can't be read");
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kLargestFile) fail("is too large");
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
  }

  const Source& source_;
  const std::filesystem::path& prefix_;
  std::size_t sum_ = 0;
};

}  // namespace

void substitute(Value& value, const Source& source, const std::filesystem::path& prefix) {
  Substitution(source, prefix).walk_root(value);
  source.findings().refuse_mistakes();
}

}  // namespace nacre::config
