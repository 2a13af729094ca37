#pragma once

#include "http/request.h"
#include "http/response.h"
#include "resource/call.h"
#include "route/router.h"

namespace nacre {

/// The whole way of a request: route → identify → limit → cache → store → reply. One per worker.
class Pipeline {
 public:
  Pipeline(const route::Router& router, Backend& backend) : router_(router), backend_(backend) {}

  /// Answers a request, on its fiber. Always an answer, never an exception.
  http::Response handle(const http::Request& request, Trace& trace) noexcept;

 private:
  Result<http::Response> answer(const http::Request& request, const route::Match& match, Trace& trace);

  Failure not_found(const http::Request& request) const;

  const route::Router& router_;
  Backend& backend_;
};

}  // namespace nacre
