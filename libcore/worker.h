#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cache/read_through.h"
#include "cache/zone.h"
#include "config/config.h"
#include "fiber/fiber.h"
#include "http/request.h"
#include "http/response.h"
#include "mode.h"
#include "net/http_client.h"
#include "pipeline.h"
#include "resource/call.h"
#include "route/router.h"
#include "store/store.h"

namespace nacre {

/// All of Nacre in one process: what is made once a worker has been forked, and shared by its requests.
class Worker {
 public:
  struct Surroundings {
    Reactor& reactor;
    cache::Zone& zone;
    std::function<void(std::string_view)> log;                              ///< one line for operators; called on any thread
    std::string server;                                                     ///< "nginx/1.22.1"
    std::function<JsonObject()> connections = [] { return JsonObject(); };  ///< state → number, for metrics and status
  };

  Worker(std::shared_ptr<const config::Config> config, const route::Router& router, Surroundings surroundings);
  /// Cancels what still runs. The reactor must have given back all thread jobs.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Answers a request of a location with this mode, on its fiber.
  http::Response answer(Mode mode, const http::Request& request, Trace& trace) noexcept;
  /// The answer to a request that got no fiber.
  http::Response refuse(const Failure& failure, const http::Request& request) const;

  /// Ends all fibers: their clients will get no answer.
  void cancel_all() { scheduler_.cancel_all(); }

  Reactor& reactor() noexcept { return around_.reactor; }
  fiber::Scheduler& scheduler() noexcept { return scheduler_; }
  const config::Config& config() const noexcept { return *config_; }

 private:
  Result<http::Response> serve(Mode mode);
  Result<http::Response> ready();

  std::shared_ptr<const config::Config> config_;
  const route::Router& router_;
  Surroundings around_;
  fiber::Scheduler scheduler_;
  std::unique_ptr<store::Store> store_;
  cache::ReadThrough cache_;
  net::HttpClient http_;
  Backend backend_;
  Pipeline pipeline_;
};

}  // namespace nacre
