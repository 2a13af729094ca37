#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/identity.h"
#include "cache/read_through.h"
#include "cache/small_values.h"
#include "config/config.h"
#include "fiber/gate.h"
#include "http/request.h"
#include "http/response.h"
#include "route/router.h"
#include "store/store.h"

namespace nacre {

namespace net {
class HttpClient;
}

/// What all requests of a worker share.
struct Backend {
  const config::Config& config;
  store::Store& store;
  cache::SmallValues& values;
  cache::ReadThrough& cache;
  net::HttpClient* http;      ///< for the application's handlers
  fiber::Gate& large_bodies;  ///< bytes of memory (resource/off_loop.h)
};

/// What is told of a request in the log and the metrics.
struct Trace {
  route::Name route;
  cache::Outcome cache = cache::Outcome::none;
  cache::Waits waits;
  std::string user;
  std::unique_ptr<std::string> fault;  ///< what the error log is told of a 500
};

namespace resource {

/// What a request is answered; nullopt on the main stack, where it would have to wait: it is then asked again on its fiber.
using Answer = std::optional<http::Response>;

/// One request for a resource.
struct Call {
  const http::Request& request;
  const route::Match& match;
  const auth::Identity& identity;
  Backend& backend;
  Trace& trace;

  const config::Resource& resource() const { return *match.endpoint->resource; }
};

}  // namespace resource
}  // namespace nacre
