#include "base/ascii.h"
#include "base/object_id.h"
#include "fiber/fiber.h"
#include "http/conditional.h"
#include "resource/actions.h"
#include "resource/body.h"
#include "resource/reply.h"
#include "store/document.h"

namespace nacre::resource {

namespace {

/// The server's own names may come back in a body as they were sent out, so that a document that was read can be put back.
Result<void> drop_id(Json& document, std::string_view id) {
  JsonObject* const object = document.if_object();
  const Json* const given = object != nullptr ? object->if_contains("_id") : nullptr;
  if (given == nullptr) return {};
  if (!given->is_string() || std::string_view(given->get_string()) != id) {
    Failure failure(Error::unprocessable, "the document does not satisfy the schema");
    failure.errors.push_back({"/_id", "must be the one in the path"});
    return failure;
  }
  object->stable_erase("_id");
  return {};
}

/// `If-None-Match: *` on PUT: creates, and never replaces (RFC 9110 §13.1.2).
Result<http::Response> create_at(const Call& call, JsonObject fields) {
  const store::NewDocument document{std::string(call.match.id), std::move(fields), fiber::reactor().wall(), call.identity.user};
  const auto inserted = call.backend.store.insert(call.resource(), {&document, 1}, std::nullopt);
  if (!inserted) {
    const Failure failure = inserted.error();
    const bool exists = failure.error == Error::conflict && !failure.errors.empty() && failure.errors.front().pointer == "/_id";
    if (exists) return Failure(Error::precondition_failed, "the document exists");
    return failure;
  }
  return created_reply(call, document);
}

}  // namespace

bool is_creation(const http::Request& request) noexcept { return trim(request.header("If-None-Match").value_or("")) == "*"; }

Result<http::Response> replace(const Call& call) {
  const bool create = is_creation(call.request);
  if (!create && call.request.header("If-None-Match"))
    return Failure(Error::bad_request, "If-None-Match: only * is allowed here");
  if (!is_document_id(call.match.id)) return no_such_document();
  auto precondition = http::parse_if_match(call.request);
  if (!precondition) return precondition.error();
  auto body = json_body(call.request);
  if (!body) return body.error();
  if (auto dropped = drop_id(*body, call.match.id); !dropped) return dropped.error();
  auto fields = check_document(call.resource(), std::move(*body));
  if (!fields) return fields.error();
  const Stopwatch stopwatch(call.trace.waits.store);
  if (create) return create_at(call, std::move(*fields));
  auto replaced = call.backend.store.replace(call.resource(), call.match.id, *fields, fiber::reactor().wall(), *precondition);
  if (!replaced) return replaced.error();
  return written_reply(call, 200, std::move(*replaced));
}

Result<http::Response> remove(const Call& call) {
  if (!is_document_id(call.match.id)) return no_such_document();
  const auto precondition = http::parse_if_match(call.request);
  if (!precondition) return precondition.error();
  const Stopwatch stopwatch(call.trace.waits.store);
  if (auto erased = call.backend.store.erase(call.resource(), call.match.id, *precondition); !erased) return erased.error();
  http::Response response(204);
  response.add_static("Cache-Control", "no-store");
  return response;
}

}  // namespace nacre::resource
