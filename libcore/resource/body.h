#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "config/config.h"
#include "http/request.h"
#include "store/store.h"

/// What a client sends, on its way to a document.
namespace nacre::resource {

/// The members that the server sets.
inline constexpr std::array<std::string_view, 5> kServers = {"_id", "_rev", "_created", "_updated", "_owner"};

/// Error::unsupported_media_type for a body in a coding such as gzip.
Result<void> check_coding(const http::Request& request);

/// Error::unsupported_media_type unless the body is application/json, without a coding.
Result<void> check_json_type(const http::Request& request);

/// What of a document the server sets, and a client may send back as it was read.
struct SentBack {
  std::optional<std::int64_t> rev;  ///< the revision that the client has seen
};

/// Takes the server's members out of a document that was read before and comes to replace document `id`: `_id` must be this
/// one,
/// `_rev` an integer, and the others are ignored. Error::unprocessable.
Result<SentBack> take_sent_back(Json& document, std::string_view id);

/// Takes `_rev` alone, as take_sent_back does.
Result<SentBack> take_revision(Json& document);

/// A client's document as the user's fields: an object that holds no name of the server's, satisfies the schema, and has its
/// dates and integers in one form. Error::unprocessable with the places; `place` is the pointer of `document` in the body. On
/// any thread.
Result<JsonObject> check_document(const config::Resource& resource, Json document, schema::Effort& effort,
                                  const std::string& place = {});
/// The same of a document that takes the place of `before`, as the API shows that: what was wrong there and is not touched is
/// not held against it.
Result<JsonObject> check_changed(const config::Resource& resource, Json document, Json before, schema::Effort& effort);
/// The first with all the effort that one document may take.
Result<JsonObject> check_document(const config::Resource& resource, Json document);

/// A document's text, at most: what a client may send in one body.
inline constexpr std::size_t kMaxDocument = 4UL << 20U;

/// The fields with the text that is stored. Error::too_large for one of more than kMaxDocument. On any thread.
Result<store::Fields> written(JsonObject fields);

}  // namespace nacre::resource
