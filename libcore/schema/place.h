#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "schema/documents.h"
#include "schema/pattern.h"

/// Reading a schema's JSON while it is compiled: values that know where they stand.
namespace nacre::schema {

/// What is wrong with the schema, thrown while it is loaded.
struct Mistake {
  Location place;
  std::string detail;
};

/// A value of a schema, and where it stands. Each reader refuses another type.
struct Place {
  const Json* value;
  std::string pointer;
  const Document* document;

  Location location() const { return {document, pointer}; }
  [[noreturn]] void refuse(std::string detail) const;

  const JsonObject& object() const;
  const JsonArray& array() const;
  std::string string() const;
  bool boolean() const;
  const Json& number() const;
  /// An integer of at least 0; 2.0 is one.
  std::size_t count() const;
  /// An array of strings that are all different.
  std::vector<std::string> strings() const;

  /// Of an object, or the place where it is missing.
  Place member(std::string_view name) const;
  /// Of an array.
  Place item(std::size_t index) const;
  /// Of an object.
  std::vector<std::pair<std::string, Place>> members() const;
};

/// The pointer of something below `pointer`.
std::string below(const std::string& pointer, std::string_view token);

/// The member or item that a pointer's token names, or nullptr.
const Json* child(const Json& value, const std::string& token);

/// A compiled regular expression; `at` is where a mistake in it is reported.
Pattern read_pattern(const Place& at, std::string_view text);

}  // namespace nacre::schema
