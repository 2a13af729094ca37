#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/route.h"
#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "http/request.h"
#include "http/response.h"

/// What an application writes its handlers against.
///
///     nacre::Response hello(const nacre::Request& request, nacre::Services& services) {
///       auto visits = services.cache().increment("visits");
///       if (!visits) return nacre::problem(visits.error());
///       return nacre::json({{"hello", request.path("name")}, {"visits", *visits}});
///     }
///     NACRE_ROUTE(GET, "/hello/{name}", hello);
///
/// A handler reads straight down and may wait in any call of its services without blocking the worker; it must not block in any
/// other way. What it throws, of whatever type, becomes a 500; so does an answer that can't be sent as it is: a status outside
/// 200 to 599, a header whose name is no token or whose value holds control characters (http::defect_of). With `debug: true`
/// the problem says which.
namespace nacre {

namespace config {
struct Resource;
}
namespace net {
class HttpClient;
}
namespace resource {
struct Call;
}

using http::Response;

/// The request that a handler answers. Its views are good until the handler returns.
class Request {
 public:
  explicit Request(const resource::Call& call) : call_(call) {}

  /// The value of `{name}` in the route's path; "" when the route has none of that name.
  std::string_view path(std::string_view name) const noexcept;
  /// A query parameter, percent-decoded; nullopt when absent.
  /// nullopt as well where the query string is malformed.
  std::optional<std::string> query(std::string_view name) const;
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::string_view body() const noexcept;
  /// The body as JSON. Error::unsupported_media_type when it is not declared so, Error::bad_request when it is not.
  Result<Json> json() const;

  std::string_view method() const noexcept;
  /// X-Request-Id of the answer, and `instance` of a problem document.
  std::string_view id() const noexcept;
  /// The client's address, as nginx's realip module sees it.
  std::string_view client() const noexcept;
  /// The user's id; nullopt for an anonymous client.
  std::optional<std::string_view> user() const noexcept;

 private:
  const resource::Call& call_;
};

/// Small values shared by all workers. They outlive a reload, but not a restart of nginx.
/// Error::overloaded when their part of the shared memory is full.
class Cache {
 public:
  explicit Cache(const resource::Call& call) : call_(call) {}

  /// Adds to a counter, which begins at 0, and gives the sum. A `ttl` counts from the counter's beginning.
  Result<std::int64_t> increment(std::string_view key, std::int64_t by = 1, std::optional<Milliseconds> ttl = std::nullopt);
  Result<std::optional<std::string>> get(std::string_view key);
  Result<void> put(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl = std::nullopt);
  /// True when there was none and now is.
  Result<bool> put_if_absent(std::string_view key, std::string_view value, std::optional<Milliseconds> ttl = std::nullopt);
  /// True when there was one.
  Result<bool> erase(std::string_view key);

 private:
  const resource::Call& call_;
};

/// What a list is asked for; see the list parameters of the HTTP interface.
struct Find {
  Json where;                ///< null: everything
  std::string sort;          ///< "-stars,title"
  std::string fields;        ///< "title,tags"
  std::uint32_t limit = 25;  ///< at most the resource's `page.max`
  std::string after;         ///< `next` of the page before
  bool count = false;
};

/// The documents of one resource: what the HTTP interface does with them, without its access rules. Documents are shown and
/// taken as there, checked against the schema, and every write is seen by the next read.
/// Error::internal for a name that is no resource of nacre.yaml.
class Collection {
 public:
  Collection(const resource::Call& call, std::string_view name);

  /// Error::not_found.
  Result<Json> find_one(std::string_view id);
  /// `{"items":[…],"next":…}`
  Result<Json> find(const Find& find = {});
  /// Error::unprocessable, Error::conflict.
  Result<Json> insert(Json document);
  /// With `rev`, or a `_rev` in the document, only that revision: else Error::precondition_failed. What was found can be given
  /// back: `_id` must be `id`, and the server's other members are ignored.
  Result<Json> replace(std::string_view id, Json document, std::optional<std::int64_t> rev = std::nullopt);
  Result<void> erase(std::string_view id, std::optional<std::int64_t> rev = std::nullopt);

 private:
  const resource::Call& call_;
  const config::Resource* resource_;
};

class Store {
 public:
  explicit Store(const resource::Call& call) : call_(call) {}
  Collection collection(std::string_view resource) { return {call_, resource}; }

 private:
  const resource::Call& call_;
};

/// What a handler may use.
class Services {
 public:
  explicit Services(const resource::Call& call) : call_(call) {}
  Cache cache() { return Cache(call_); }
  Store store() { return Store(call_); }
  /// Calls other services.
  net::HttpClient& http();

 private:
  const resource::Call& call_;
};

/// An answer of JSON. A GET's answer of 200 whose `etag` (with its quotes) or `last_modified` the handler sets heeds the
/// request's preconditions: 304 or 412 where they say so.
Response json(const Json& value, int status = 200);
/// An answer of plain text.
Response text(std::string value, int status = 200);
/// A problem document (RFC 9457) with the status of the error.
Response problem(const Failure& failure);

}  // namespace nacre

#define NACRE_CONCATENATE_(a, b) a##b
#define NACRE_CONCATENATE(a, b) NACRE_CONCATENATE_(a, b)

/// Answers METHOD (GET, POST, PUT, PATCH, DELETE) of PATH with HANDLER; HEAD follows GET. `{name}` in the path takes one
/// segment.
#define NACRE_ROUTE(METHOD, PATH, HANDLER)                                          \
  [[maybe_unused]] static const bool NACRE_CONCATENATE(nacre_route_, __COUNTER__) = \
      ::nacre::app::add_route({::nacre::app::method::METHOD, PATH, HANDLER})
