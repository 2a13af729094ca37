#pragma once

#include "base/error.h"
#include "http/conditional.h"
#include "http/response.h"
#include "resource/call.h"

/// What can be done with a resource: an action answers one kind of request, on its fiber; `list` and `read` on any stack.
namespace nacre::resource {

/// GET and HEAD of the collection: one page, from the cache.
Answer list(const Call& call);
/// GET and HEAD of a document, from the cache; 304 for a copy that is still good.
Answer read(const Call& call);
/// Whether the collection, as a GET without parameters would show it now, is in a state that a POST asks for. A list is no
/// document of the database, so this comes before the operation and not in it: of two that ask for one state, both may pass.
Result<void> judge_collection(const Call& call, const http::Preconditions& asked);
/// POST to the collection: one document or an array of them, once for an Idempotency-Key.
Result<http::Response> create(const Call& call);
/// True for a PUT that creates: `If-None-Match: *` (RFC 9110 §13.1.2).
bool is_creation(const http::Request& request) noexcept;
/// PUT of a document: replaces it, or creates it with `If-None-Match: *`.
Result<http::Response> replace(const Call& call);
/// PATCH of a document: a merge patch or a JSON Patch.
Result<http::Response> update(const Call& call);
/// DELETE of a document.
Result<http::Response> remove(const Call& call);

}  // namespace nacre::resource
