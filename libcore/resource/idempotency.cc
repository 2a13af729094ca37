#include "resource/idempotency.h"

#include <sodium.h>

#include <array>

#include "fiber/fiber.h"
#include "http/fields.h"
#include "http/problem.h"
#include "json/parse.h"
#include "resource/reply.h"

namespace nacre::resource {

namespace {

/// Hex of a hash over the parts, each with its length, so that no two lists of parts look alike.
std::string hash_of(std::initializer_list<std::string_view> parts) {
  crypto_generichash_state state;
  std::array<unsigned char, 16> hash;
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  for (const std::string_view part : parts) {
    const std::uint64_t size = part.size();
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&size), sizeof size);
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  }
  crypto_generichash_final(&state, hash.data(), hash.size());
  std::array<char, 2 * hash.size() + 1> text;
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  return std::string(text.data());
}

/// An answer and the hash of the body that it answered, as the store keeps them.
std::string serialize(const http::Response& response, std::string_view body_hash) {
  const auto location = response.header("Location");
  JsonObject kept{{"request", body_hash}, {"status", response.status}, {"etag", response.etag}, {"body", response.body}};
  kept["type"] = std::string_view(response.content_type);
  if (location) kept["location"] = *location;
  if (response.last_modified) kept["modified"] = response.last_modified->time_since_epoch().count();
  std::string out;
  append_json(out, kept);
  return out;
}

std::string text_of(const JsonObject& object, std::string_view name) {
  const Json* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

http::Response deserialize(const JsonObject& kept) {
  http::Response response(static_cast<int>(kept.at("status").as_int64()));
  response.etag = text_of(kept, "etag");
  response.body = text_of(kept, "body");
  response.content_type = response.keep(text_of(kept, "type"));
  if (const std::string location = text_of(kept, "location"); !location.empty()) response.add("Location", location);
  if (const Json* const modified = kept.if_contains("modified")) {
    response.last_modified = Timestamp{Milliseconds{modified->as_int64()}};
  }
  response.add_static("Cache-Control", "no-store");
  response.add_static("Idempotency-Replayed", "true");
  return response;
}

Failure used_for_another_body() { return {Error::unprocessable, "Idempotency-Key: was used for a request with another body"}; }

}  // namespace

Idempotency::Idempotency(const Call& call, std::string_view key) : call_(&call) {
  key_ = "idempotency/" + hash_of({call.resource().name, call.identity.user.value_or(""), key});
  body_ = hash_of({call.request.body});
}

Result<std::optional<Idempotency>> Idempotency::of(const Call& call) {
  auto key = http::idempotency_key(call.request);
  if (!key) return key.error();
  if (!*key) return std::optional<Idempotency>();
  return std::optional<Idempotency>(Idempotency(call, **key));
}

/// Longer than the request and a write that it left behind can take together.
Milliseconds Idempotency::lease() const {
  const config::Timeouts& timeouts = call_->backend.config.timeouts;
  return timeouts.request + timeouts.store + Seconds{1};
}

Result<std::optional<http::Response>> Idempotency::recall() {
  const Stopwatch stopwatch(call_->trace.waits.store);
  const auto text = call_->backend.store.recall(key_, fiber::reactor().wall());
  if (!text) return text.error();
  if (!*text) return std::optional<http::Response>();
  const auto kept = parse_json(**text);
  if (!kept || !kept->is_object()) return Failure(Error::internal, "the answer that was kept is damaged");
  if (text_of(kept->get_object(), "request") != body_) return used_for_another_body();
  return std::optional<http::Response>(deserialize(kept->get_object()));
}

Result<std::optional<http::Response>> Idempotency::begin() {
  cache::SharedValues& values = call_->backend.values;
  const auto marked = values.put_if_absent(key_, body_, lease());
  if (!marked) return marked.error();
  auto kept = recall();
  if (*marked) {
    if (!kept || *kept) (void)values.erase(key_);
    return kept;
  }
  if (!kept || *kept) return kept;
  const auto first = values.get(key_);
  if (first && *first && **first != body_) return used_for_another_body();
  return Failure(Error::conflict, "the first request with this Idempotency-Key is still running");
}

store::Remember Idempotency::kept(const http::Response& response) const {
  return {key_, serialize(response, body_), fiber::reactor().wall() + kKept};
}

Result<http::Response> Idempotency::finish(Result<http::Response> answer, bool kept_already) {
  const int status = answer ? answer->status : http_status(answer.error().error);
  const bool may_still_write = !answer && (answer.error().error == Error::deadline || answer.error().error == Error::cancelled);
  if (may_still_write) return answer;
  if (!kept_already && status < 500) {
    const http::Response response = answer ? *answer : http::problem(answer.error(), call_->request.id, false);
    const Stopwatch stopwatch(call_->trace.waits.store);
    (void)call_->backend.store.remember(kept(response));
  }
  (void)call_->backend.values.erase(key_);
  return answer;
}

}  // namespace nacre::resource
