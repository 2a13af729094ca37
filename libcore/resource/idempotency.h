#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "http/response.h"
#include "resource/call.h"
#include "store/store.h"

namespace nacre::resource {

/// A POST with an Idempotency-Key runs once (draft-ietf-httpapi-idempotency-key-header): what the store decided, 201 or 409, is
/// kept for 24 hours, a 201 in the transaction of its own write, and given again to the same request. A request that was
/// refused before that, or failed, leaves the key free: mended or repeated, it runs.
///
/// While it runs, a mark in the shared zone holds others off. The mark has a lease, since a worker may die; where a request
/// stopped waiting for a write that may still come, the mark stays until the lease ends. Where the zone is another one (after a
/// reload that changed its size) or has lost the mark, both run, and the store lets one of them write: what it kept is the
/// answer to both.
class Idempotency {
 public:
  static constexpr std::chrono::hours kKept = store::Remember::kLongest;

  /// nullopt when the request has no key. Error::bad_request for a malformed one.
  static Result<std::optional<Idempotency>> of(const Call& call);

  /// The kept answer, marked by `Idempotency-Replayed: true`, or nullopt: then the caller is the one to run the request and
  /// calls `finish`. Error::unprocessable for a key that came with another body, Error::conflict while the first still runs.
  Result<std::optional<http::Response>> begin();

  /// What a write remembers along with itself, so that `response` is the answer from its commit on.
  store::Remember kept(const http::Response& response) const;

  /// Ends what `begin` began. `kept_already`: the store has the answer. Gives `answer` back, or the kept one of another request
  /// with this key that was faster.
  Result<http::Response> finish(Result<http::Response> answer, bool kept_already);

 private:
  Idempotency(const Call& call, std::string_view key);
  Result<std::optional<http::Response>> recall();
  Result<http::Response> answer_of_another();
  store::Remember remembered(JsonObject answer, std::string_view body) const;
  http::Response replay(const JsonObject& kept, std::string body) const;
  Milliseconds lease() const;

  const Call* call_;
  std::string key_;   ///< of the answer in the store and of the mark in the zone
  std::string body_;  ///< hash of the request's body
};

}  // namespace nacre::resource
