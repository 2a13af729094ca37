#pragma once

#include "http/request.h"
#include "http/response.h"
#include "resource/call.h"
#include "route/router.h"

namespace nacre {

/// The whole way of a request: route → identify → limit → cache → store → reply. One per worker.
///
/// The router has said where it leads; what follows is walked on the main stack as far as nothing has to be waited for, which
/// for an answer that lies in the zone is to its end, and otherwise once more on a fiber of the request's own.
class Pipeline {
 public:
  Pipeline(const route::Router& router, Backend& backend) : router_(router), backend_(backend) {}

  /// Answers a request. nullopt on the main stack where it has to wait; on its fiber always an answer. Never an exception.
  resource::Answer handle(const http::Request& request, const route::Match& match, Trace& trace) noexcept;

 private:
  resource::Answer answer(const http::Request& request, const route::Match& match, Trace& trace);
  resource::Answer find_answer(const http::Request& request, const route::Match& match, Trace& trace);

  http::Response problem(const http::Request& request, const route::Match& match, const Failure& failure) const;
  Failure not_found(const http::Request& request) const;

  const route::Router& router_;
  Backend& backend_;
};

}  // namespace nacre
