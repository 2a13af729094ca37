#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "http/response.h"

namespace nacre::http {

/// "Not Found": the reason phrase of RFC 9110 §15, which is a problem document's title.
std::string_view reason_phrase(int status) noexcept;

/// A problem document (RFC 9457): `type`, `title`, `status`, `detail`, `instance`, and `errors` where there are any.
std::string problem_document(int status, std::string_view detail, std::string_view instance,
                             const std::vector<FieldError>& errors = {});

/// The answer to a request that failed, with the headers that belong to its status: WWW-Authenticate, Retry-After,
/// Cache-Control. `debug` lets `failure.internal` into the detail.
Response problem(const Failure& failure, std::string_view instance, bool debug);

/// The answer when something was thrown, of whatever type; for `catch (...)` blocks. Where there is no memory for a document
/// the answer has no body.
Response problem_of_exception(std::string_view instance, bool debug) noexcept;

}  // namespace nacre::http
