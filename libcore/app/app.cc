#include <algorithm>

#include "app/nacre/app.h"
#include "json/parse.h"
#include "query/parameters.h"
#include "resource/body.h"
#include "resource/call.h"
#include "resource/off_loop.h"

namespace nacre {

namespace {

/// An application's keys stay apart from Nacre's own.
std::string own_key(std::string_view key) { return "app/" + std::string(key); }

}  // namespace

std::string_view Request::path(std::string_view name) const noexcept {
  const auto& parameters = call_.match.parameters;
  const auto found = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == name; });
  return found == parameters.end() ? std::string_view{} : found->second;
}

std::optional<std::string> Request::query(std::string_view name) const {
  const auto parameters = query::parse_parameters(call_.request.query);
  if (!parameters) return std::nullopt;
  const auto found = std::find_if(parameters->begin(), parameters->end(), [&](const auto& p) { return p.first == name; });
  return found == parameters->end() ? std::nullopt : std::optional(found->second);
}
std::optional<std::string_view> Request::header(std::string_view name) const noexcept { return call_.request.header(name); }
std::string_view Request::body() const noexcept { return call_.request.body; }
Result<Json> Request::json() const {
  if (auto json = resource::check_json_type(call_.request); !json) return json.error();
  resource::BodyWork work(call_);
  return work.run<Json>({call_.request.body}, call_.request.body.size(),
                        [](const resource::BodyWork::Texts& texts, schema::Effort&) { return parse_json(texts[0]); });
}
std::string_view Request::method() const noexcept { return http::to_string(call_.request.method); }
std::string_view Request::id() const noexcept { return call_.request.id; }
std::string_view Request::client() const noexcept { return call_.request.client; }
std::optional<std::string_view> Request::user() const noexcept { return call_.identity.user; }

Result<std::int64_t> Cache::increment(std::string_view key, std::int64_t by, std::optional<Milliseconds> ttl) {
  return call_.backend.values.increment(own_key(key), by, ttl);
}
Result<std::optional<std::string>> Cache::get(std::string_view key) { return call_.backend.values.get(own_key(key)); }
Result<void> Cache::put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) {
  return call_.backend.values.put(own_key(key), value, ttl);
}
Result<bool> Cache::put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl) {
  return call_.backend.values.put_if_absent(own_key(key), value, ttl);
}
Result<bool> Cache::erase(std::string_view key) { return call_.backend.values.erase(own_key(key)); }

net::HttpClient& Services::http() { return *call_.backend.http; }

Response json(const Json& value, int status) {
  Response response(status);
  append_json(response.body, value);
  return response;
}

Response text(std::string value, int status) {
  Response response(status);
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(value);
  return response;
}

Response problem(const Failure& failure) { return Response::failed(failure); }

namespace app {

Result<Response> run(const resource::Call& call) {
  Services services(call);
  Response response = call.match.handler->handler(Request(call), services);
  if (response.failure) return *response.failure;
  if (auto defect = http::defect_of(response)) {
    Failure failure(Error::internal);
    failure.internal = "the answer of the handler of " + std::string(call.match.name.text) + " has " + *defect;
    return failure;
  }
  return response;
}

}  // namespace app
}  // namespace nacre
