#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/short_text.h"
#include "http/response.h"
#include "resource/call.h"
#include "store/store.h"

/// The parts that the actions' answers have in common.
namespace nacre::resource {

/// The 404 of a document; the same whether it never was or belongs to somebody else.
Failure no_such_document();

/// Judges the preconditions of a GET and makes the 304 of its answer, a response that has the entry alone, where that is good.
/// Error::precondition_failed, Error::bad_request for preconditions that can't be read.
Result<void> judge(const Call& call, http::Response& response);
/// Adds Cache-Control to such an answer, and Cache-Status and Age by what the trace says of the cache.
void finish(const Call& call, http::Response& response, Milliseconds age);

struct Tagged {
  std::string text;
  ShortText etag;
};
/// A text and its ETag.
Result<Tagged> tagged(std::string text);

/// A write's answer: `status` with the document, or without a body where `Prefer: return=minimal` asks so (a 200 becomes 204).
http::Response written_reply(const Call& call, int status, store::Document&& document);

/// The 201 of a document that is about to be inserted: known beforehand, since the server sets all that the client did not.
Result<http::Response> created_reply(const Call& call, const store::NewDocument& document);

}  // namespace nacre::resource
