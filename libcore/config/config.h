#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "http/cors.h"
#include "redis/target.h"
#include "schema/schema.h"

namespace nacre::mongo {
struct Target;
}

/// nacre.yaml as immutable values. `load` is the only place that knows YAML.
namespace nacre::config {

struct Store {
  std::string uri = "sqlite:data/nacre.db";             ///< secrets included: never printed
  std::shared_ptr<const nacre::mongo::Target> mongo{};  ///< what a `mongodb:` URI says; else nullptr
};

struct Cache {
  std::shared_ptr<const redis::Target> redis{};  ///< secrets included: never printed; nullptr: the zone is the only tier
  Milliseconds ttl{60'000};                      ///< default lifetime of a resource's entries
  bool local = true;                             ///< the shared-memory tier before Redis
  std::string prefix = "nacre";                  ///< of all keys in Redis
};

/// Whose tokens are taken beside Nacre's own.
struct JwtIssuer {
  std::string name;      ///< of the users' ids: "id" makes `id:4711`
  std::string issuer;    ///< `iss`
  std::string audience;  ///< `aud`
  std::string jwks;      ///< where its keys are
  std::string roles;     ///< a claim's dotted path; "": none
};

struct Mail {
  std::string uri;   ///< secrets included: never printed
  std::string from;  ///< the sender's address
  std::string link;  ///< of the site that confirms and resets
};

/// Not enforced yet.
struct Auth {
  bool registration_open = false;
  std::uint32_t shortest_password = 15;  ///< in characters
  std::vector<JwtIssuer> jwt;
  std::optional<Mail> mail;
  Milliseconds session_ttl{14LL * 24 * 3600 * 1000};
  Milliseconds session_idle{2LL * 24 * 3600 * 1000};
  std::string cookie = "nacre_session";
};

/// Not sent yet.
struct Tracing {
  std::string otlp;      ///< the collector
  double sample = 0.01;  ///< the share of traces that are kept
};

struct Timeouts {
  Milliseconds request{5'000};
  Milliseconds redis{250};
  Milliseconds store{2'000};
};

/// Who may do something.
struct AccessRule {
  enum class Kind : std::uint8_t { anyone, user, owner, role, nobody };
  Kind kind = Kind::nobody;
  std::string role;  ///< of Kind::role
};

struct Access {
  AccessRule read, create, update, del;  ///< `create` is never `owner`: it was read as `user`
};

struct IndexKey {
  std::string path;  ///< dotted; a built-in field, or one of the user's, which the schema need not name
  bool descending = false;
};

struct Index {
  std::vector<IndexKey> keys;
  bool unique = false;
};

struct CachePolicy {
  bool on = true;
  Milliseconds ttl{60'000};
  Milliseconds stale{0};   ///< how long after `ttl` an entry may be served while it is renewed, or while the store is away
  Milliseconds client{0};  ///< how long browsers and proxies may reuse an answer without asking
};

/// Not enforced yet.
struct Limit {
  enum class Per : std::uint8_t { user, ip, resource };
  std::uint32_t count = 0;  ///< requests ...
  Milliseconds period{};    ///< ... in this time
  std::uint32_t burst = 0;
  Per per = Per::ip;
  std::string role;                                          ///< whom it is for; "": everybody
  std::vector<std::pair<std::string, std::uint32_t>> costs;  ///< of actions that count as more than 1
};

struct Paging {
  std::uint32_t default_limit = 25;
  std::uint32_t max_limit = 100;
};

struct Resource {
  std::string name;
  Json schema_json;  ///< as written, for OpenAPI
  schema::Schema schema;
  Access access;
  std::vector<Index> indexes;
  CachePolicy cache;
  std::vector<Limit> limits;  ///< the first that fits holds
  Paging page;
};

struct Config {
  bool debug = false;
  Store store;
  Cache cache;
  std::shared_ptr<const http::Cors> cors{};  ///< nullptr: pages of other origins get nothing
  Auth auth;
  std::optional<Tracing> tracing;
  Timeouts timeouts;
  std::vector<Resource> resources;    ///< in the order of the file
  std::vector<std::string> warnings;  ///< "nacre.yaml:LINE:COLUMN: what; what to do", for who starts nginx
  std::string reading;                ///< a random name of this reading of the file: all workers of a cycle of nginx share it
  Timestamp read{};                   ///< when that was
  std::uint64_t fingerprint = 0;      ///< hash of all values: entries cached under another configuration are not found

  const Resource* resource(std::string_view name) const noexcept;
};

}  // namespace nacre::config
