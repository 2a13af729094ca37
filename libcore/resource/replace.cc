#include "base/ascii.h"
#include "base/object_id.h"
#include "fiber/fiber.h"
#include "http/conditional.h"
#include "json/parse.h"
#include "resource/actions.h"
#include "resource/body.h"
#include "resource/off_loop.h"
#include "resource/precondition.h"
#include "resource/reply.h"
#include "store/document.h"

namespace nacre::resource {

namespace {

/// `If-None-Match: *` on PUT: creates, and never replaces (RFC 9110 §13.1.2).
Result<http::Response> create_at(const Call& call, store::Fields fields) {
  std::vector<store::NewDocument> documents;
  documents.push_back({std::string(call.match.id), std::move(fields.values), fiber::reactor().wall(), call.identity.user,
                       std::move(fields.text)});
  auto response = created_reply(call, documents.front());
  if (!response) return response.error();
  const auto inserted = call.backend.store.insert(call.resource(), std::move(documents), std::nullopt);
  if (!inserted) {
    const Failure failure = inserted.error();
    const bool exists = failure.error == Error::conflict && !failure.errors.empty() && failure.errors.front().pointer == "/_id";
    if (exists) return Failure(Error::precondition_failed, "If-None-Match: there is one already");
    return failure;
  }
  return response;
}

struct Replacement {
  store::Fields fields;
  std::optional<std::int64_t> rev;
};

/// `current`: the document that is there, as the API shows it; empty where that does not matter.
Result<Replacement> read_replacement(const config::Resource& resource, std::string_view id, std::string_view text,
                                     std::string_view current, schema::Effort& effort) {
  auto body = parse_json(text);
  if (!body) return body.error();
  const auto sent = take_sent_back(*body, id);
  if (!sent) return sent.error();
  auto before = current.empty() ? Result<Json>(Json()) : parse_json(current);
  if (!before) return before.error();
  auto fields = check_changed(resource, std::move(*body), std::move(*before), effort);
  if (!fields) return fields.error();
  auto replacing = written(std::move(*fields));
  if (!replacing) return replacing.error();
  return Replacement{std::move(*replacing), sent->rev};
}

/// What does not satisfy the schema is looked at again beside the document that is there: another program may have written what
/// the client read there and sends back.
Result<Replacement> read_replacement(const Call& call) {
  BodyWork work(call);
  const auto read = [&](std::string_view current) {
    return work.run<Replacement>(
        {call.request.body, current}, call.request.body.size() + 2 * current.size(),
        [&resource = call.resource(), id = std::string(call.match.id)](const BodyWork::Texts& texts, schema::Effort& effort) {
          return read_replacement(resource, id, texts[0], texts[1], effort);
        });
  };
  auto sent = read("");
  if (sent || sent.error().error != Error::unprocessable || is_creation(call.request)) return sent;
  const Stopwatch stopwatch(call.trace.waits.store);
  const auto current = call.backend.store.find_newest(call.resource(), call.match.id, std::nullopt);
  return current ? read(current->json) : sent;
}

}  // namespace

bool is_creation(const http::Request& request) noexcept { return trim(request.header("If-None-Match").value_or("")) == "*"; }

Result<http::Response> replace(const Call& call) {
  if (!is_document_id(call.match.id)) return no_such_document();
  const auto asked = http::Preconditions::of(call.request);
  if (!asked) return asked.error();
  if (auto json = check_json_type(call.request); !json) return json.error();
  auto sent = read_replacement(call);
  if (!sent) return sent.error();
  const Stopwatch stopwatch(call.trace.waits.store);
  if (asked->wants_none() && !asked->wants_one() && !sent->rev) return create_at(call, std::move(sent->fields));
  auto replaced = call.backend.store.replace(call.resource(), call.match.id, std::move(sent->fields), fiber::reactor().wall(),
                                             precondition(*asked, sent->rev));
  if (replaced) return written_reply(call, 200, std::move(*replaced));
  if (asked->wants_none() && replaced.error().error == Error::not_found)
    return Failure(Error::precondition_failed, "If-None-Match: * with If-Match or a _rev: nothing is both there and not there");
  return missed(*asked, replaced.error());
}

Result<http::Response> remove(const Call& call) {
  if (!is_document_id(call.match.id)) return no_such_document();
  const auto asked = http::Preconditions::of(call.request);
  if (!asked) return asked.error();
  const Stopwatch stopwatch(call.trace.waits.store);
  const auto erased = call.backend.store.erase(call.resource(), call.match.id, precondition(*asked, std::nullopt));
  if (!erased) return missed(*asked, erased.error());
  http::Response response(204);
  response.cache_control = "no-store";
  return response;
}

}  // namespace nacre::resource
