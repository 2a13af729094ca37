#include "worker.h"

#include "http/problem.h"
#include "json/parse.h"
#include "resource/subject.h"
#include "store/open.h"

namespace nacre {

namespace {

/// A write ends what the cache knows of the document and of its resource's lists, before and after (cache/zone.h).
store::WriteHooks invalidate_in(cache::Zone& zone) {
  const auto invalidate = [&zone](std::string_view resource, std::string_view id) {
    zone.invalidate(resource::document_subject(resource, id));
    zone.invalidate(resource);
  };
  return {invalidate, invalidate};
}

http::Response json_answer(const JsonObject& object) {
  http::Response response;
  append_json(response.body, object);
  response.add_static("Cache-Control", "no-store");
  return response;
}

}  // namespace

Worker::Worker(std::shared_ptr<const config::Config> config, const route::Router& router, Surroundings surroundings)
    : config_(std::move(config)),
      router_(router),
      around_(std::move(surroundings)),
      scheduler_(around_.reactor),
      store_(store::open(*config_, around_.reactor, invalidate_in(around_.zone), around_.log)),
      cache_(around_.zone, scheduler_, config_->timeouts.store),
      http_(around_.reactor),
      backend_{*config_, *store_, around_.zone, cache_, &http_},
      pipeline_(router_, backend_) {
  if (around_.zone.enter()) around_.log("a worker died: the cache starts empty");
  store_->prepare(config_->resources);
}

Worker::~Worker() {
  cancel_all();
  around_.zone.leave();
}

http::Response Worker::refuse(const Failure& failure, const http::Request& request) const {
  return http::problem(failure, request.id, config_->debug);
}

http::Response Worker::answer(Mode mode, const http::Request& request, Trace& trace) noexcept {
  if (mode == Mode::api) return pipeline_.handle(request, trace);
  trace.route = to_string(mode);
  if (request.method != http::Method::get && request.method != http::Method::head) {
    http::Response response = refuse(Failure(Error::method_not_allowed, "allowed: GET, HEAD"), request);
    response.add_static("Allow", "GET, HEAD");
    return response;
  }
  auto served = serve(mode);
  return served ? std::move(*served) : refuse(served.error(), request);
}

Result<http::Response> Worker::serve(Mode mode) {
  switch (mode) {
    case Mode::ready:
      return ready();
    default:
      return json_answer({{"status", "live"}});
  }
}

/// The cache is this host's memory, so only the store can be away.
Result<http::Response> Worker::ready() {
  if (auto pinged = store_->ping(); !pinged) {
    Failure failure(Error::unavailable, "not ready: the store does not answer");
    failure.internal = pinged.error().detail + pinged.error().internal;
    return failure;
  }
  return json_answer({{"status", "ready"}, {"store", "ok"}, {"cache", "ok"}});
}

}  // namespace nacre
