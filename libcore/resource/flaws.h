#pragma once

#include <string>
#include <unordered_set>

#include "base/error.h"
#include "base/json.h"

namespace nacre::resource {

/// What is wrong with a document that is there: another program wrote it, or it is older than the schema. A write that leaves
/// that as it is must not fail for it.
class Flaws {
 public:
  void add(const Json& document, const FieldError& error) { known_.insert(identity(document, error)); }

  /// Whether the same was wrong before with an equal value in the same field; array elements may have moved.
  bool contains(const Json& document, const FieldError& error) const { return known_.contains(identity(document, error)); }

 private:
  static std::string identity(const Json& document, const FieldError& error);

  std::unordered_set<std::string> known_;
};

}  // namespace nacre::resource
