#pragma once

#include <vector>

#include "base/json.h"
#include "schema/report.h"

namespace nacre::schema {

/// The schema as one document: what its references lead to in others stands in its `definitions`, and each `$ref` is a pointer
/// into it (`#/definitions/address`), so that it can be handed on by itself. `references` are those that `compile` found.
Json bundled(const Documents& documents, const std::vector<Reference>& references);

}  // namespace nacre::schema
