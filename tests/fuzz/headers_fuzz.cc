#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/conditional.h"
#include "http/fields.h"

// Header fields of any bytes: what is read of them stays inside of them, and says the same when it is written again.
namespace {

using namespace nacre;  // NOLINT(google-build-using-namespace)

void require(bool holds) {
  if (!holds) std::abort();
}

void check_entity_tags(std::string_view text) {
  http::EntityTagList list(text);
  std::string again;
  std::size_t count = 0;
  while (const auto tag = list.next()) {
    require(tag->opaque.data() >= text.data() && tag->opaque.data() + tag->opaque.size() <= text.data() + text.size());
    require(tag->opaque.find('"') == std::string_view::npos);
    const std::string quoted = '"' + std::string(tag->opaque) + '"';
    require(http::names_tag(text, quoted));
    again += (tag->weak ? ", W/" : ", ") + quoted;
    ++count;
  }
  http::EntityTagList second(again);
  while (second.next()) --count;
  require(count == 0 && !second.malformed());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_entity_tags(text);
  if (const auto type = http::media_type(text))
    require(http::media_type(*type) == type && type->find('/') != std::string::npos);
  if (const auto trace = http::trace_id(text)) require(trace->size() == 32);

  const http::HeaderList headers({{"If-Match", text},
                                  {"If-None-Match", text},
                                  {"If-Modified-Since", text},
                                  {"If-Unmodified-Since", text},
                                  {"Prefer", text},
                                  {"Idempotency-Key", text}});
  http::Request request;
  request.headers = &headers;
  (void)http::prefers_minimal(request);
  for (const auto method : {http::Method::get, http::Method::put}) {
    request.method = method;
    const auto asked = http::Preconditions::of(request);
    if (!asked) continue;
    require(asked->wants_one());
    const auto outcome = asked->judge("\"tag\"", Timestamp{});
    require(outcome || outcome.error().error == Error::precondition_failed);
    require(method == http::Method::get || !outcome || *outcome == http::Preconditions::Outcome::holds);
  }
  if (const auto key = http::idempotency_key(request)) require(key->has_value() && !(*key)->empty() && (*key)->size() <= 255);
  return 0;
}
