#pragma once

#include <cstddef>

#include "base/error.h"
#include "base/json.h"

/// The two formats of PATCH: both take a document and give the changed one, and judge nothing but the patch itself.
namespace nacre {

/// JSON Merge Patch (RFC 7396): members of `patch` replace those of `target`, null removes, anything but an object replaces the
/// whole. It always succeeds, and the result nests no deeper than the deeper of the two.
Json merge_patch(Json target, const Json& patch);

/// Operations in one JSON Patch.
inline constexpr std::size_t kMaxPatchOperations = 1'000;
/// How many bytes of memory `copy` and `move` may carry in one JSON Patch: a copy of a copy doubles each time, so that forty
/// operations would fill any memory.
inline constexpr std::size_t kMaxPatchCarried = 4U << 20U;
/// How many array elements and object members the operations of one JSON Patch may move, since they lie behind one that is
/// added or removed: a thousand operations at the front of a large array would move it a thousand times. Some 20 ms. A member
/// of an object that hashes its names counts as 8.
inline constexpr std::size_t kMaxPatchMoved = 4'000'000;

/// JSON Patch (RFC 6902): every operation in turn, or none. The errors follow RFC 5789 §2.2:
/// - Error::bad_request: `patch` is no JSON Patch document whatever it is applied to: an operation or a pointer is malformed, a
///   `move` goes into its own child, or there are more than kMaxPatchOperations.
/// - Error::conflict: a `test` does not hold (nothing at its path is one way), so the document is not what the client thought.
/// - Error::unprocessable: it can't be applied to this document: a path that does not exist, an index past the end, more
///   carried than kMaxPatchCarried or moved than kMaxPatchMoved, nested deeper than kMaxJsonDepth.
/// The latter two have errors[0] with the pointer that the operation named. All details name the operation, counted from 0
/// ("operation 2 (remove): …").
Result<Json> apply_json_patch(Json document, const Json& patch);

}  // namespace nacre
