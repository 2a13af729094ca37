#include "config/cors.h"

#include <algorithm>

#include "config/bounds.h"
#include "config/reader.h"
#include "config/scalar.h"

namespace nacre::config {
namespace {

constexpr std::size_t kMostOrigins = 1'000;
constexpr std::size_t kMostHeaders = 100;
constexpr std::string_view kOrigins =
    "allowed: a list of 1 to 1000 of http://HOST, https://HOST, with :PORT where it is not the scheme's own; or \"*\" for all";
constexpr std::string_view kHeaders = "allowed: a list of at most 100 names of header fields";

void refuse_twice(const Source& source, std::string_view key, const std::vector<Value>& items, std::size_t at) {
  const auto same = [&](const Value& other) { return other.text == items[at].text; };
  if (std::none_of(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(at), same)) return;
  source.fail(items[at].mark, std::string(key) + ": " + describe(items[at]) + " stands here twice", "allowed: each once");
}

std::vector<std::string> read_origins(const Source& source, const Reader& reader, const Member& member) {
  const auto& items = member.value.items;
  if (items.empty() || items.size() > kMostOrigins) reader.fail(member, "not a list of origins", kOrigins);
  std::vector<std::string> origins;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Value& item = items[i];
    if (item.kind != Value::Kind::scalar) source.fail(item.mark, "origins: " + describe(item) + " is no origin", kOrigins);
    if (const auto flaw = http::flaw_of_origin(item.text)) {
      source.fail(item.mark, "origins: " + describe(item) + " is " + std::string(*flaw), kOrigins);
    }
    refuse_twice(source, "origins", items, i);
    origins.push_back(item.text);
  }
  return origins;
}

std::vector<std::string> read_headers(const Source& source, const Reader& reader, std::string_view key) {
  const auto* const member = reader.find(key);
  if (member == nullptr) return {};
  const auto& items = member->value.items;
  if (member->value.kind != Value::Kind::sequence || items.size() > kMostHeaders) reader.fail(*member, "not a list", kHeaders);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Value& item = items[i];
    // `*` is a token, too, but one with a meaning of its own, which it does not have beside credentials.
    if (item.kind != Value::Kind::scalar || !is_token(item.text) || item.text == "*") {
      source.fail(item.mark, std::string(key) + ": " + describe(item) + " is no name of a header field", kHeaders);
    }
    refuse_twice(source, key, items, i);
    names.push_back(item.text);
  }
  return names;
}

}  // namespace

http::CorsRules read_cors(const Source& source, const Member& member) {
  const Reader reader(source, member.value, member.mark, {"origins", "credentials", "max_age", "headers", "expose"});
  const auto& origins = reader.require("origins", kOrigins);
  http::CorsRules rules;
  rules.any_origin = origins.value.kind == Value::Kind::scalar && origins.value.text == "*";
  if (!rules.any_origin) rules.origins = read_origins(source, reader, origins);
  reader.boolean("credentials", rules.credentials);
  if (rules.any_origin && rules.credentials) {
    // Any page at all could act as whoever visits it (Fetch standard, §3.3.5).
    reader.fail(*reader.find("credentials"), "not possible beside origins: \"*\"",
                "allowed: credentials: true with a list of origins");
  }
  reader.duration("max_age", rules.max_age, Milliseconds{0}, kLongestLifetime);
  rules.headers = read_headers(source, reader, "headers");
  rules.expose = read_headers(source, reader, "expose");
  return rules;
}

}  // namespace nacre::config
