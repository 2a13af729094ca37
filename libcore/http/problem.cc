#include "http/problem.h"

#include "base/thrown.h"
#include "json/parse.h"

namespace nacre::http {

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return status < 500 ? "Client Error" : "Server Error";
  }
}

std::string problem_document(int status, std::string_view detail, std::string_view instance,
                             const std::vector<FieldError>& errors) {
  const std::string_view title = reason_phrase(status);
  std::string out = R"({"type":"about:blank","title":)";
  append_json_string(out, title);
  out += R"(,"status":)";
  out += std::to_string(status);
  out += R"(,"detail":)";
  append_json_string(out, detail.empty() ? title : detail);
  out += R"(,"instance":)";
  append_json_string(out, instance);
  if (!errors.empty()) {
    out += R"(,"errors":[)";
    for (const FieldError& error : errors) {
      if (&error != errors.data()) out += ',';
      out += R"({"pointer":)";
      append_json_string(out, error.pointer);
      out += R"(,"detail":)";
      append_json_string(out, error.detail);
      out += '}';
    }
    out += ']';
  }
  out += '}';
  return out;
}

namespace {

/// Words for a client where a failure brings none of its own.
std::string_view default_detail(Error error) noexcept {
  switch (error) {
    case Error::precondition_failed:
      return "the document has changed";
    case Error::deadline:
      return "the answer was not ready in time";
    case Error::overloaded:
      return "too many requests are waiting";
    case Error::unavailable:
      return "what this needs is away";
    case Error::internal:
      return "something went wrong here";
    default:
      return {};
  }
}

}  // namespace

Response problem(const Failure& failure, std::string_view instance, bool debug) {
  Response response(http_status(failure.error));
  response.content_type = kProblemJson;
  std::string detail = failure.detail.empty() ? std::string(default_detail(failure.error)) : failure.detail;
  if (debug && !failure.internal.empty()) {
    detail += ": " + failure.internal;
  }
  response.body = problem_document(response.status, detail, instance, failure.errors);
  response.cache_control = "no-store";
  if (failure.error == Error::unauthenticated) response.add_static("WWW-Authenticate", "Bearer");
  if (failure.error == Error::invalid_token) response.add_static("WWW-Authenticate", "Bearer error=\"invalid_token\"");
  if (response.status == 429 || response.status == 503 || failure.retry_after) {
    response.add("Retry-After", std::to_string(failure.retry_after.value_or(Seconds{1}).count()));
  }
  return response;
}

Response problem_of_exception(std::string_view instance, bool debug) noexcept try {
  return problem(thrown_failure(), instance, debug);
} catch (...) {
  return Response(http_status(Error::internal));
}

}  // namespace nacre::http
