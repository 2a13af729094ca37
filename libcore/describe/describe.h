#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cache/zone.h"
#include "config/config.h"
#include "http/request.h"

/// What the API says of itself: `nacre openapi`, `nacre docs`, `nacre status`.
/// The first two depend on the configuration alone, so they are made once, when
/// it is loaded. Nothing here comes from a client, and of the configuration's
/// URIs nothing is shown.
namespace nacre::describe {

struct About {
  std::string_view version;                           ///< of Nacre
  std::string_view mount;                             ///< prefix of the nginx location that serves the API,
                                                      ///< without a final slash: "" or "/v1"
  std::string_view origin = "http://localhost:8080";  ///< what the docs' curl lines begin with
};

/// A request that the application's own code answers: "/hello/{name}".
struct Route {
  http::Method method = http::Method::get;
  std::string_view path;
};

/// The OpenAPI 3.1 document (application/vnd.oai.openapi+json;version=3.1, JSON). A request that it describes as valid is none
/// that Nacre refuses for its form, but for what a schema can't say: that a cursor is one of this query's, that a JSON Patch
/// moves nothing into itself, and how much a filter may hold. A path of which nobody may ask anything is left out.
std::string openapi(const config::Config& config, std::span<const Route> routes, const About& about);

/// One HTML page that needs nothing but itself: no script, no other file, one
/// style element.
std::string docs_page(const config::Config& config, std::span<const Route> routes, const About& about);

/// The Content-Security-Policy to send the page with: it allows the page's
/// style, by its hash, and nothing else.
std::string docs_policy();

struct Status {
  std::string_view version;
  std::string_view nginx;
  Seconds uptime{};
  std::uint64_t fingerprint = 0;  ///< of the configuration, keyed: it covers secrets
  std::uint32_t workers = 0;
  std::size_t resources = 0;
  cache::Zone::Usage cache{};
};

/// {"version","nginx","uptime_seconds","config","workers","resources","cache":{…}};
/// `config` is the fingerprint as it may be shown, 16 hex digits.
std::string status(const Status& status);

}  // namespace nacre::describe
