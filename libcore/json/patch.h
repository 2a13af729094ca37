#pragma once

#include <cstddef>

#include "base/error.h"
#include "base/json.h"

/// The two formats of PATCH: both take a document and give the changed one, and judge nothing but the patch itself.
namespace nacre {

/// JSON Merge Patch (RFC 7396): members of `patch` replace those of `target`, null removes, anything but an object replaces the
/// whole. It always succeeds. Both must be at most kMaxJsonDepth deep (as parse_json gives them), and so is the result.
Json merge_patch(Json target, const Json& patch);

/// Bounds of one JSON Patch.
inline constexpr std::size_t kMaxPatchOperations = 1'000;
/// How many values and bytes of text `copy` may add in one patch: each copy of a copy doubles, so 40 would fill any memory.
inline constexpr std::size_t kMaxPatchGrowth = 1U << 20U;

/// JSON Patch (RFC 6902): every operation in turn, or none. The errors follow RFC 5789 §2.2:
/// - Error::bad_request: `patch` is not a JSON Patch document (operation, member or pointer malformed), or has more than
///   kMaxPatchOperations operations.
/// - Error::conflict: a `test` does not hold, so the document is not in the state that the client thought.
/// - Error::unprocessable: it is well formed but can't be done to this document: a path that does not exist, an index past the
///   end, a move into its own child, growth past kMaxPatchGrowth, nesting past kMaxJsonDepth.
/// Both of the latter have errors[0] with the pointer into the document that the operation named; all details name the
/// operation by its place ("operation 2 (remove): …").
Result<Json> apply_json_patch(Json document, const Json& patch);

}  // namespace nacre
