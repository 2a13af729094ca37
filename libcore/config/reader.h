#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "config/yaml.h"

namespace nacre::config {

/// What a message calls a value: a number or a boolean as it is, other text between quotes, "a mapping", "a list", "an empty
/// value". Of a substituted one only what the file has: what it was replaced by may be a secret.
std::string describe(const Value& value);

/// The value as JSON. Numbers that JSON or 64 bits can't hold are a mistake.
Json to_json(const Source& source, const Value& value);

/// The same for a schema: an integer that 64 bits can't hold is the nearest double.
Json schema_json(const Source& source, const Value& value);

/// Reads one mapping. The constructor refuses what is no mapping, so a section reads as a table:
///
///     Reader r(source, value, mark, {"ttl", "stale"});
///     r.duration("ttl", policy.ttl, kShortest, kLongest);
///
/// Each method leaves `out` as it is when the key is absent, and when its value is a mistake, which is reported: reading goes
/// on and tells of the others. So are keys other than `keys`. A key without a value is a mistake.
class Reader {
 public:
  /// `mark` is where a missing key is reported: the key of the mapping itself.
  Reader(const Source& source, const Value& mapping, Mark mark, std::initializer_list<std::string_view> keys);

  /// nullptr when absent.
  const Member* find(std::string_view key) const noexcept { return mapping_.find(key); }
  const Member& require(std::string_view key, std::string_view allowed) const;

  /// true, false; on and off as well, since YAML 1.1 has taught them to everybody.
  void boolean(std::string_view key, bool& out) const;
  void integer(std::string_view key, std::uint32_t& out, std::uint32_t least, std::uint32_t most) const;
  /// A string. A plain scalar that YAML takes for a number or a boolean is none, unless it was substituted: what the
  /// environment holds can't be put between quotes.
  void string(std::string_view key, std::string& out, std::string_view allowed) const;
  void duration(std::string_view key, Milliseconds& out, Milliseconds least, Milliseconds most) const;

  /// One of a few words.
  template <class T>
  void choice(std::string_view key, T& out, std::initializer_list<std::pair<std::string_view, T>> words) const {
    const auto* member = find(key);
    if (member == nullptr) return;
    std::string allowed = "allowed:";
    for (const auto& [word, meaning] : words) allowed.append(allowed.back() == ':' ? " " : ", ").append(word);
    for (const auto& [word, meaning] : words) {
      if (member->value.text == word) {
        out = meaning;
        return;
      }
    }
    report(*member, "unknown", allowed);
  }

  /// "KEY: VALUE is WHAT; ALLOWED" at the value.
  [[noreturn]] void fail(const Member& member, std::string_view what, std::string_view allowed) const;
  /// The same, but reading goes on.
  void report(const Member& member, std::string_view what, std::string_view allowed) const;

 private:
  void report_unknown(std::initializer_list<std::string_view> keys);

  const Source& source_;
  const Value& mapping_;
  Mark mark_;
  std::vector<std::string_view> meant_;  ///< keys that unknown ones were most likely meant to be
};

/// Whether the scalar says no by itself, in place of a mapping (`cache: off`): off or false.
bool is_off(const Value& value) noexcept;

/// The candidate that a typing error would turn into `word`, or "".
std::string_view closest(std::string_view word, std::initializer_list<std::string_view> candidates);

}  // namespace nacre::config
