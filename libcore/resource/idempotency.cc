#include "resource/idempotency.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "fiber/fiber.h"
#include "http/fields.h"
#include "http/problem.h"
#include "json/parse.h"
#include "resource/reply.h"

namespace nacre::resource {

namespace {

constexpr std::size_t kLine = 512;  // of an answer that is kept, about

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

/// A kept answer is one line of JSON and, behind it, the body as it is: it may be large, and is read and written often enough.
JsonObject to_json(const http::Response& response) {
  JsonObject kept{{"status", response.status}, {"etag", std::string_view(response.etag)}};
  kept["type"] = std::string_view(response.content_type);
  if (const auto location = response.header("Location")) kept["location"] = *location;
  if (const auto applied = response.header("Preference-Applied")) kept["applied"] = *applied;
  if (response.last_modified) kept["modified"] = response.last_modified->at.time_since_epoch().count();
  return kept;
}

/// The problem document is made anew each time: `instance` is the id of the request that it answers.
JsonObject to_json(const Failure& conflict) {
  JsonArray errors;
  for (const FieldError& error : conflict.errors) errors.push_back(JsonArray{error.pointer, error.detail});
  return {{"status", http_status(conflict.error)}, {"detail", conflict.detail}, {"errors", std::move(errors)}};
}

std::string text_of(const JsonObject& object, std::string_view name) {
  const Json* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Failure to_conflict(const JsonObject& kept) {
  Failure conflict(Error::conflict, text_of(kept, "detail"));
  for (const Json& error : kept.at("errors").as_array()) {
    conflict.errors.push_back({std::string(error.at(0).as_string()), std::string(error.at(1).as_string())});
  }
  return conflict;
}

http::Response to_response(const JsonObject& kept, std::string body) {
  http::Response response(static_cast<int>(kept.at("status").as_int64()));
  response.etag = text_of(kept, "etag");
  response.body = std::move(body);
  response.content_type = response.keep(text_of(kept, "type"));
  if (const std::string location = text_of(kept, "location"); !location.empty()) response.add("Location", location);
  if (const std::string applied = text_of(kept, "applied"); !applied.empty()) response.add("Preference-Applied", applied);
  if (const Json* const modified = kept.if_contains("modified")) {
    response.last_modified = Timestamp{Milliseconds{modified->as_int64()}};
  }
  response.cache_control = "no-store";
  return response;
}

Failure still_running() { return {Error::conflict, "the first request with this Idempotency-Key is still running"}; }

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
  auto text = call_->backend.store.recall(key_, fiber::reactor().wall());
  if (!text) return text.error();
  if (!*text) return std::optional<http::Response>();
  const std::size_t line = std::min((*text)->find('\n'), (*text)->size());
  const auto kept = parse_json(std::string_view(**text).substr(0, line));
  if (!kept || !kept->is_object()) return Failure(Error::internal, "the answer that was kept is damaged");
  if (text_of(kept->get_object(), "request") != body_) return used_for_another_body();
  (*text)->erase(0, line + 1);
  return std::optional<http::Response>(replay(kept->get_object(), std::move(**text)));
}

Result<std::optional<http::Response>> Idempotency::begin() {
  cache::SmallValues& values = call_->backend.values;
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
  return still_running();
}

/// Somebody who saw another mark was faster: a worker of another zone, or one whose mark has been lost.
Result<http::Response> Idempotency::answer_of_another() {
  auto kept = recall();
  if (!kept) return kept.error();
  if (*kept) return std::move(**kept);
  return still_running();  // it has expired by now
}

http::Response Idempotency::replay(const JsonObject& kept, std::string body) const {
  http::Response response = kept.contains("detail")
                                ? http::problem(to_conflict(kept), call_->request.id, call_->backend.config.debug)
                                : to_response(kept, std::move(body));
  response.add_static("Idempotency-Replayed", "true");
  return response;
}

store::Remember Idempotency::remembered(JsonObject answer, std::string_view body) const {
  answer["request"] = body_;
  std::string text;
  text.reserve(body.size() + kLine);
  append_json(text, answer);
  text.append(1, '\n').append(body);
  const Timestamp now = fiber::reactor().wall();
  return {.key = key_, .value = std::move(text), .now = now, .expires = now + kKept};
}

store::Remember Idempotency::kept(const http::Response& response) const { return remembered(to_json(response), response.body); }

Result<http::Response> Idempotency::finish(Result<http::Response> answer, bool kept_already) {
  const bool may_still_write = !answer && (answer.error().error == Error::deadline || answer.error().error == Error::cancelled);
  if (may_still_write) return answer;
  bool another = !answer && answer.error().error == Error::remembered;
  if (!kept_already && !answer && answer.error().error == Error::conflict) {
    const Stopwatch stopwatch(call_->trace.waits.store);
    const auto kept = call_->backend.store.remember(remembered(to_json(answer.error()), {}));
    another = !kept && kept.error().error == Error::remembered;
  }
  if (another) answer = answer_of_another();
  (void)call_->backend.values.erase(key_);
  return answer;
}

}  // namespace nacre::resource
