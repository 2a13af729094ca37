#pragma once

#include "base/error.h"
#include "base/json.h"
#include "config/config.h"
#include "http/request.h"

/// What a client sends, on its way to a document.
namespace nacre::resource {

/// The body as JSON; its Content-Type must be application/json. Error::unsupported_media_type, or what parse_json gives.
Result<Json> json_body(const http::Request& request);

/// A client's document as the user's fields: an object that holds no name of the server's, satisfies the schema, and has its
/// dates in one form. Error::unprocessable with the places; `place` is the pointer of `document` in the body.
Result<JsonObject> check_document(const config::Resource& resource, Json document, const std::string& place = {});

}  // namespace nacre::resource
