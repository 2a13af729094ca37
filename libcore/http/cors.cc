#include "http/cors.h"

#include <algorithm>

namespace nacre::http {

namespace {

/// What the API reads. `*` would not cover Authorization, nor anything at all beside credentials (Fetch standard, §3.3.4), and
/// repeating what the browser asks for would let pages set headers that mean something to whatever else stands on the way.
constexpr std::string_view kRequestHeaders =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Prefer, "
    "X-CSRF-Token, X-Request-Id, traceparent, tracestate";

constexpr std::string_view kAllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// What the API sends beside the few headers that every page may read.
constexpr std::string_view kExposedHeaders =
    "Accept-Patch, Age, Allow, Cache-Status, ETag, Idempotency-Replayed, Link, Location, Preference-Applied, RateLimit, "
    "RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id";

std::string join(std::string_view own, const std::vector<std::string>& further) {
  std::string list(own);
  for (const std::string& name : further) list.append(", ").append(name);
  return list;
}

}  // namespace

Cors::Cors(CorsRules rules)
    : rules_(std::move(rules)),
      headers_(join(kRequestHeaders, rules_.headers)),
      expose_(join(kExposedHeaders, rules_.expose)),
      max_age_(std::to_string(std::chrono::floor<Seconds>(rules_.max_age).count())) {
  std::sort(rules_.origins.begin(), rules_.origins.end());
}

bool Cors::is_preflight(Method method, const Headers& headers) noexcept {
  return method == Method::options && headers.find("Origin") && headers.find("Access-Control-Request-Method");
}

bool Cors::allows(std::string_view origin) const noexcept {
  return rules_.any_origin || std::binary_search(rules_.origins.begin(), rules_.origins.end(), origin, std::less<>());
}

void Cors::allow(CorsLines& lines, std::string_view origin) const noexcept {
  lines.add("Access-Control-Allow-Origin", rules_.any_origin ? std::string_view("*") : origin);
  if (rules_.credentials) lines.add("Access-Control-Allow-Credentials", "true");
}

CorsLines Cors::answer(std::optional<std::string_view> origin) const noexcept {
  CorsLines lines;
  // To everybody, since a shared cache gives an answer that had no Origin to a page that has one.
  if (!rules_.any_origin) lines.add("Vary", "Origin");
  if (!rules_.any_origin && !(origin && allows(*origin))) return lines;
  allow(lines, origin.value_or(std::string_view()));
  lines.add("Access-Control-Expose-Headers", expose_);
  return lines;
}

CorsLines Cors::preflight(std::string_view origin, std::string_view methods) const noexcept {
  CorsLines lines;
  lines.add("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  if (!allows(origin)) return lines;
  allow(lines, origin);
  lines.add("Access-Control-Allow-Methods", methods.empty() ? kAllMethods : methods);
  lines.add("Access-Control-Allow-Headers", headers_);
  lines.add("Access-Control-Max-Age", max_age_);
  return lines;
}

}  // namespace nacre::http
