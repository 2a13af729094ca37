#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "cache/tiers.h"
#include "cache/zone.h"
#include "config/config.h"
#include "fiber/fiber.h"
#include "http/request.h"
#include "http/response.h"
#include "metrics/metered_store.h"
#include "metrics/recorder.h"
#include "mode.h"
#include "net/http_client.h"
#include "pipeline.h"
#include "resource/call.h"
#include "route/router.h"
#include "store/store.h"

namespace nacre {

/// What one configuration serves, made while it is read and shared by all workers: nothing in it changes any more.
struct Application {
  std::shared_ptr<const config::Config> config;
  std::unique_ptr<const route::Router> router;
  std::string openapi;
  std::string docs;
  std::string docs_policy;  ///< Content-Security-Policy of `docs`

  /// Throws std::invalid_argument for routes of the application that contradict each other.
  static Application make(std::shared_ptr<const config::Config> config);
  /// Makes the descriptions; `mount` is the prefix of the location that serves the API.
  void describe(std::string_view mount);
  /// The methods that a path of a location with this mode takes, for `Allow`; "" where nothing is at it.
  std::string_view allowed(Mode mode, std::string_view path) const;
  /// What its metrics take of a zone.
  metrics::Room metrics_room() const;
};

/// All of Nacre in one process: what is made once a worker has been forked, and shared by its requests.
class Worker {
 public:
  /// Open connections of this worker's clients, by what they do, as nginx's stub_status has them.
  struct Connections {
    std::size_t reading = 0;  ///< a request's head
    std::size_t writing = 0;  ///< being answered, bodies included; one of HTTP/2 with any request
    std::size_t waiting = 0;  ///< for a request
  };

  struct Surroundings {
    Reactor& reactor;
    cache::Zone& zone;
    std::uint32_t number = 0;   ///< of this worker
    std::uint32_t workers = 1;  ///< how many there are
    Log::Write log;             ///< one line for operators; called on any thread
    std::string nginx;          ///< its version
    std::function<Connections()> connections;
  };

  Worker(const Application& application, Surroundings surroundings);
  /// Cancels what still runs. The reactor must have given back all thread jobs.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Where a request of a location with this mode leads.
  route::Match match(Mode mode, http::Method method, std::string_view path) const {
    return mode == Mode::api ? application_.router->match(method, path) : match_page(mode);
  }
  /// Answers it. nullopt on the main stack where it has to wait; on its fiber always an answer.
  resource::Answer answer(Mode mode, const http::Request& request, const route::Match& match, Trace& trace) noexcept {
    return mode == Mode::api ? pipeline_.handle(request, match, trace) : answer_page(mode, request);
  }
  /// The answer to a request that got no fiber.
  http::Response refuse(const Failure& failure, const http::Request& request) const;
  /// Counts a request that was answered, by Nacre or by nginx before it.
  void count(const Trace& trace, http::Method method, int status, std::chrono::nanoseconds took);
  /// Counts the cache's part in an answer, which count() does as well: alone for what no client asked for by itself.
  void count_lookups(cache::Outcome outcome) const noexcept;
  /// Takes the memory of a body that was sent, for those to come.
  void take_back(std::string&& body) noexcept { cache_.reads().take_back(std::move(body)); }

  /// Ends all fibers: their clients will get no answer.
  void cancel_all() { scheduler_.cancel_all(); }

  Reactor& reactor() noexcept { return around_.reactor; }
  fiber::Scheduler& scheduler() noexcept { return scheduler_; }
  const config::Config& config() const noexcept { return config_; }

 private:
  route::Match match_page(Mode mode) const;
  resource::Answer answer_page(Mode mode, const http::Request& request) noexcept;
  Result<http::Response> serve(Mode mode, const http::Request& request);
  Result<http::Response> ready();
  http::Response docs(const http::Request& request) const;
  http::Response status() const;
  http::Response metrics() const;
  bool take_turn(std::string_view what);
  void give_back_turn();
  void tell_gauges() const;
  void keep_up();

  const Application& application_;
  const config::Config& config_;
  Surroundings around_;
  const Log log_;
  Monotonic began_;
  std::optional<std::size_t> place_;  ///< in the zone
  metrics::Registry registry_;
  metrics::Recorder recorder_;
  std::optional<cache::Lease> turn_;  ///< to make the store's indexes
  fiber::Scheduler scheduler_;
  cache::Tiers cache_;
  std::unique_ptr<store::Store> store_;  ///< tells the cache of its writes, to its end
  metrics::MeteredStore metered_store_;
  net::HttpClient http_;
  fiber::Gate large_bodies_;
  Backend backend_;
  Pipeline pipeline_;
  std::unique_ptr<Timer> upkeep_;
};

}  // namespace nacre
