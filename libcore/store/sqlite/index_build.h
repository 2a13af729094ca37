#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/sqlite/connection.h"

namespace nacre::store::sqlite {

/// What the file knows of an index that is not made, or not checked yet: a row of a table of its own, by the index's name.
struct IndexBuild {
  static constexpr std::string_view kCreate =
      "CREATE TABLE IF NOT EXISTS nacre_builds (name TEXT NOT NULL PRIMARY KEY, after INTEGER, state INTEGER NOT NULL,"
      " worker TEXT NOT NULL, until INTEGER NOT NULL);";

  enum State : std::int64_t { kFilling = 0, kFailed = 1, kUnchecked = 2 };

  static Result<std::optional<IndexBuild>> find(Connection& connection, const std::string& index);
  static Result<void> forget(Connection& connection, const std::string& index);
  Result<void> keep(Connection& connection, const std::string& index) const;

  std::int64_t after = 0;  ///< the last rowid that was copied
  std::int64_t state = kFilling;
  std::string worker{};  ///< whose business it is
  std::int64_t until =
      0;  ///< for so long, in milliseconds since 1970; kFailed, documents stand against it: it is not tried again before
};

}  // namespace nacre::store::sqlite
