#include "resource/reply.h"

#include "http/conditional.h"
#include "http/fields.h"
#include "resource/off_loop.h"
#include "store/document.h"

namespace nacre::resource {

Failure no_such_document() { return {Error::not_found, "there is no such document"}; }

Result<void> judge(const Call& call, http::Response& response) {
  const auto asked = http::Preconditions::of(call.request);
  if (!asked) return asked.error();
  const auto outcome = asked->judge(response.etag, response.last_modified);
  if (!outcome) return outcome.error();
  if (*outcome == http::Preconditions::Outcome::not_modified) {
    response.status = 304;
    response.body.clear();
  }
  return {};
}

void finish(const Call& call, http::Response& response, Milliseconds age) {
  response.cache_control = call.match.endpoint->cache_control;
  if (call.resource().access.read.kind != config::AccessRule::Kind::anyone)
    response.add_static("Vary", auth::kCredentialHeaders);
  const cache::Outcome cached = call.trace.cache;
  response.cache_status = cache::cache_status(cached);
  if (cached != cache::Outcome::none && cached != cache::Outcome::miss) response.age = std::chrono::floor<Seconds>(age);
}

Result<Tagged> tagged(std::string text) {
  const std::size_t size = text.size();
  return fiber::scan<Tagged>(size, [text = std::move(text)]() mutable -> Result<Tagged> {
    const ShortText etag = http::entity_tag(text);
    return Tagged{std::move(text), etag};
  });
}

namespace {

http::Response written_reply(const Call& call, int status, Tagged shown, Timestamp updated) {
  http::Response response(status);
  response.etag = shown.etag;
  response.last_modified = updated;
  response.cache_control = "no-store";
  if (http::prefers_minimal(call.request)) {
    if (status == 200) response.status = 204;
    response.add_static("Preference-Applied", "return=minimal");
  } else {
    response.body = std::move(shown.text);
  }
  return response;
}

}  // namespace

/// On the loop, however large: what was written must not fail any more.
http::Response written_reply(const Call& call, int status, store::Document&& document) {
  const ShortText etag = http::entity_tag(document.json);
  return written_reply(call, status, {std::move(document.json), etag}, document.updated);
}

Result<http::Response> created_reply(const Call& call, const store::NewDocument& document) {
  auto shown = tagged(store::render(document).json);
  if (!shown) return shown.error();
  http::Response response = written_reply(call, 201, std::move(*shown), document.created);
  std::string location;
  location.append(call.request.mount).append(1, '/').append(call.resource().name).append(1, '/').append(document.id);
  response.add("Location", std::move(location));
  return response;
}

}  // namespace nacre::resource
