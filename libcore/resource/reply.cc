#include "resource/reply.h"

#include "http/conditional.h"
#include "http/fields.h"
#include "store/document.h"

namespace nacre::resource {

Failure no_such_document() { return {Error::not_found, "there is no such document"}; }

Result<http::Response> cached_reply(const Call& call, cache::Served&& served) {
  const auto asked = http::Preconditions::of(call.request);
  if (!asked) return asked.error();
  const auto outcome = asked->judge(served.entry.etag, served.entry.last_modified);
  if (!outcome) return outcome.error();
  http::Response response;
  response.etag = std::move(served.entry.etag);
  response.last_modified = served.entry.last_modified;
  response.add_static("Cache-Control", call.match.endpoint->cache_control);
  if (call.resource().access.read.kind != config::AccessRule::Kind::anyone)
    response.add_static("Vary", auth::kCredentialHeaders);
  if (served.outcome != cache::Outcome::none) response.add_static("Cache-Status", cache::cache_status(served.outcome));
  if (served.outcome != cache::Outcome::none && served.outcome != cache::Outcome::miss) {
    response.age = std::chrono::floor<Seconds>(served.age);
  }
  if (*outcome == http::Preconditions::Outcome::not_modified) {
    response.status = 304;
  } else {
    response.body = std::move(served.entry.body);
  }
  return response;
}

http::Response written_reply(const Call& call, int status, store::Document&& document) {
  http::Response response(status);
  response.etag = http::entity_tag(document.json);
  response.last_modified = document.updated;
  response.add_static("Cache-Control", "no-store");
  if (http::prefers_minimal(call.request)) {
    if (status == 200) response.status = 204;
    response.add_static("Preference-Applied", "return=minimal");
  } else {
    response.body = std::move(document.json);
  }
  return response;
}

http::Response created_reply(const Call& call, const store::NewDocument& document) {
  http::Response response = written_reply(call, 201, store::render(document));
  std::string location;
  location.append(call.request.mount).append(1, '/').append(call.resource().name).append(1, '/').append(document.id);
  response.add("Location", std::move(location));
  return response;
}

}  // namespace nacre::resource
