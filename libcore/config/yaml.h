#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/source.h"

namespace nacre::config {

struct Member;

/// A YAML value that knows where it stands. Mappings keep the order of the file.
struct Value {
  enum class Kind : std::uint8_t { null, scalar, sequence, mapping };

  Kind kind;
  Mark mark;
  bool plain = false;           ///< a scalar without quotes: typed by the YAML 1.2 core schema
  std::string text;             ///< of a scalar
  std::string written;          ///< of a scalar whose `text` was substituted: as the file has it, which is what messages show
  std::vector<Value> items;     ///< of a sequence
  std::vector<Member> members;  ///< of a mapping

  Value(Kind kind = Kind::null, Mark mark = {});  // NOLINT(google-explicit-constructor)

  bool substituted() const noexcept { return !written.empty(); }
  const Member* find(std::string_view key) const noexcept;
};

struct Member {
  std::string key;
  Mark mark;  ///< of the key
  Value value;
};

/// Parses one YAML document. Beyond syntax, refuses what a configuration has no use for, or what yaml-cpp lets pass: duplicate
/// keys, tags, keys that are not text, several documents, quotes that don't end, depth over 64. Aliases are copied, up to a
/// bound on what comes of it all, so that a small file can't become a large tree.
Value parse_yaml(const Source& source);

}  // namespace nacre::config
