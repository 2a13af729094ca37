#include "worker.h"

#include <sodium/crypto_shorthash.h>

#include <array>
#include <cstring>
#include <utility>

#include "describe/describe.h"
#include "http/problem.h"
#include "json/write.h"
#include "metrics/exposition.h"
#include "resource/off_loop.h"
#include "store/open.h"

namespace nacre {

namespace {

constexpr Milliseconds kUpkeep{1'000};
constexpr Milliseconds kTurn{60'000};

/// Where the client thinks it is. A Host that holds anything but a name, an address and a port is not repeated.
std::string origin_of(const http::Request& request) {
  const auto host = request.header("Host").value_or("");
  constexpr std::string_view kHostCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
  if (host.empty() || host.size() > 300 || host.find_first_not_of(kHostCharacters) != std::string_view::npos) {
    return std::string(describe::About{}.origin);
  }
  return std::string(request.tls ? "https://" : "http://").append(host);
}

/// Tells configurations apart, and nothing of what is in them: the fingerprint covers secrets, which could be guessed and
/// compared. The key is the zone's, random and never shown.
std::uint64_t shown_fingerprint(std::uint64_t fingerprint, std::uint64_t key) {
  unsigned char keys[crypto_shorthash_KEYBYTES] = {};
  static_assert(sizeof keys >= sizeof key);
  std::memcpy(keys, &key, sizeof key);
  std::uint64_t shown = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&shown), reinterpret_cast<const unsigned char*>(&fingerprint),
                   sizeof fingerprint, keys);
  return shown;
}

/// Of all that is not the API.
constexpr std::string_view kAllowedOnPages = "GET, HEAD";

/// Three numbers below 2^20 in a word that a worker tells in the zone.
std::uint64_t pack(std::size_t first, std::size_t second, std::size_t third) {
  const auto part = [](std::size_t number, unsigned shift) { return std::uint64_t{number & 0xFFFFFU} << shift; };
  return part(first, 0) | part(second, 20) | part(third, 40);
}

void add(std::array<std::uint64_t, 3>& sums, std::uint64_t word) {
  for (std::uint64_t& sum : sums) {
    sum += word & 0xFFFFFU;
    word >>= 20U;
  }
}

std::vector<metrics::Route> metered_routes(const route::Router& router) {
  std::vector<metrics::Route> routes;
  for (const route::Router::Named& name : router.names()) routes.push_back({std::string(name.text), name.usual});
  for (const std::string_view mode : kModeNames) routes.push_back({std::string(mode), {{http::Method::get, 200}}});
  return routes;
}

route::Name name_of(Mode mode, const route::Router& router) {
  return {to_string(mode), static_cast<std::uint32_t>(router.names().size() + static_cast<std::size_t>(mode))};
}

http::Response text_answer(std::string body, std::string_view type) {
  http::Response response;
  response.body = std::move(body);
  response.content_type = type;
  response.cache_control = "no-store";
  return response;
}

}  // namespace

Application Application::make(std::shared_ptr<const config::Config> config) {
  auto router = std::make_unique<const route::Router>(*config, app::routes());
  return {std::move(config), std::move(router), {}, {}, {}};
}

metrics::Room Application::metrics_room() const { return metrics::Recorder::room_for(metered_routes(*router)); }

void Application::describe(std::string_view mount) {
  const describe::About about{.version = NACRE_VERSION, .mount = mount};
  std::vector<describe::Route> routes;
  for (const app::Route& route : app::routes()) routes.push_back({route.method, route.path});
  openapi = describe::openapi(*config, routes, about);
  docs = describe::docs_page(*config, routes, about);
  docs_policy = describe::docs_policy();
}

std::string_view Application::allowed(Mode mode, std::string_view path) const {
  return mode == Mode::api ? router->match(http::Method::other, path).allow : kAllowedOnPages;
}

Worker::Worker(const Application& application, Surroundings surroundings)
    : application_(application),
      config_(*application.config),
      around_(std::move(surroundings)),
      log_(around_.log, around_.zone.outages()),
      began_(around_.reactor.now()),
      registry_(around_.zone.metrics(), around_.number),
      recorder_(registry_, metered_routes(*application.router)),
      scheduler_(around_.reactor),
      cache_(
          config_, around_.zone, scheduler_,
          [this](std::optional<Error> error, std::chrono::nanoseconds took) { recorder_.asked_redis(error, took); }, log_),
      store_(store::open(
          config_, around_.reactor,
          {.written = [this](std::string_view resource, auto ids) { cache_.invalidate(resource, ids); },
           .log = log_,
           .on_wait = [this](std::chrono::nanoseconds time) { recorder_.waited_for_connection(time); },
           .on_stale = [this] { cache_.invalidate_all(); },
           .is_first =
               [this](std::string_view what) { return around_.zone.try_lead(what, kTurn, around_.reactor.now()).has_value(); },
           .forget = [this](std::string_view what) { around_.zone.revoke(what); },
           .last_write = &around_.zone.last_write()},
          {.take = [this](std::string_view what) { return take_turn(what); }, .give_back = [this] { give_back_turn(); }})),
      metered_store_(*store_, recorder_),
      http_(around_.reactor),
      large_bodies_(resource::kLargeBodies),
      backend_{config_, metered_store_, cache_.values(), cache_.reads(), &http_, large_bodies_},
      pipeline_(*application.router, backend_) {
  recorder_.set_tiers(!config_.cache.redis || config_.cache.local, config_.cache.redis != nullptr);
  const auto entered = around_.zone.enter();
  place_ = entered.place;
  if (entered.died) {
    log_.warn("a worker died: the cache starts empty");
    for (const std::string_view what : store::kTurns) around_.zone.revoke(what);  // one may have been its
  }
  store_->prepare(config_.resources);
  upkeep_ = around_.reactor.background_timer([this] { keep_up(); });
  keep_up();
}

void Worker::keep_up() {
  const Monotonic now = around_.reactor.now();
  tell_gauges();
  around_.zone.look_for_others(now, config_.timeouts.store);
  upkeep_->arm(now + kUpkeep);
}

Worker::~Worker() {
  cancel_all();
  if (place_) around_.zone.leave(*place_);
}

http::Response Worker::refuse(const Failure& failure, const http::Request& request) const {
  return http::problem(failure, request.id, config_.debug);
}

route::Match Worker::match_page(Mode mode) const {
  route::Match match;
  match.name = name_of(mode, *application_.router);
  return match;
}

void Worker::count(const Trace& trace, http::Method method, int status, std::chrono::nanoseconds took) {
  recorder_.answered(trace.route.number, method, status, took);
  count_lookups(trace.cache);
}

void Worker::count_lookups(cache::Outcome outcome) const noexcept {
  using metrics::Lookup;
  using metrics::Tier;
  switch (outcome) {
    case cache::Outcome::none:
      return;
    case cache::Outcome::l1_hit:
      return recorder_.looked_up(Tier::l1, Lookup::hit);
    case cache::Outcome::stale:
      return recorder_.looked_up(Tier::l1, Lookup::stale);
    case cache::Outcome::l2_hit:
      recorder_.looked_up(Tier::l1, Lookup::miss);
      return recorder_.looked_up(Tier::l2, Lookup::hit);
    case cache::Outcome::l2_stale:
      recorder_.looked_up(Tier::l1, Lookup::miss);
      return recorder_.looked_up(Tier::l2, Lookup::stale);
    case cache::Outcome::miss:
      recorder_.looked_up(Tier::l1, Lookup::miss);
      return recorder_.looked_up(Tier::l2, Lookup::miss);
  }
}

resource::Answer Worker::answer_page(Mode mode, const http::Request& request) noexcept try {
  if (request.method != http::Method::get && request.method != http::Method::head) {
    http::Response response = refuse(Failure(Error::method_not_allowed, "allowed: GET, HEAD"), request);
    response.add_static("Allow", kAllowedOnPages);
    return response;
  }
  if (mode == Mode::ready && !fiber::on_fiber()) return std::nullopt;
  auto served = serve(mode, request);
  return served ? std::move(*served) : refuse(served.error(), request);
} catch (...) {
  return http::problem_of_exception(request.id, config_.debug);
}

Result<http::Response> Worker::serve(Mode mode, const http::Request& request) {
  switch (mode) {
    case Mode::api:
    case Mode::live:
      break;
    case Mode::ready:
      return ready();
    case Mode::metrics:
      return metrics();
    case Mode::openapi:
      return text_answer(application_.openapi, "application/vnd.oai.openapi+json;version=3.1");
    case Mode::docs:
      return docs(request);
    case Mode::status:
      return status();
  }
  return text_answer(R"({"status":"live"})", http::kJson);
}

Result<http::Response> Worker::ready() {
  const auto store = store_->ping();
  const auto cache = cache_.ping();
  if (!store || !cache) {
    Failure failure(Error::unavailable, "not ready: the store does not answer");
    if (!cache)
      failure.detail = store ? "not ready: " + cache.error().detail : "not ready: neither store nor cache can be used";
    if (!store) failure.internal = "store: " + store.error().detail + store.error().internal;
    if (!cache) failure.internal += (store ? "cache: " : "; cache: ") + cache.error().detail + cache.error().internal;
    return failure;
  }
  auto troubles = store_->troubles();
  for (std::string& trouble : cache_.troubles()) troubles.push_back(std::move(trouble));
  if (troubles.empty()) return text_answer(R"({"status":"ready","store":"ok","cache":"ok"})", http::kJson);
  JsonObject answer{{"status", "ready"}, {"store", "ok"}, {"cache", "ok"}};
  answer["detail"] = Json(JsonArray(troubles.begin(), troubles.end()));
  std::string text;
  append_json(text, Json(std::move(answer)));
  return text_answer(std::move(text), http::kJson);
}

/// The page with the address that was asked in its examples.
http::Response Worker::docs(const http::Request& request) const {
  constexpr std::string_view kMade = describe::About{}.origin;
  std::string page = application_.docs;
  const auto origin = origin_of(request);
  for (auto at = page.find(kMade); at != std::string::npos; at = page.find(kMade, at + origin.size())) {
    page.replace(at, kMade.size(), origin);
  }
  http::Response response = text_answer(std::move(page), "text/html; charset=utf-8");
  if (request.header("Host")) response.add_static("Vary", "Host");
  response.add_static("Content-Security-Policy", application_.docs_policy);
  return response;
}

http::Response Worker::status() const {
  return text_answer(describe::status({.version = NACRE_VERSION,
                                       .nginx = around_.nginx,
                                       .uptime = std::chrono::floor<Seconds>(around_.reactor.now() - began_),
                                       .fingerprint = shown_fingerprint(config_.fingerprint, around_.zone.id()),
                                       .workers = around_.workers,
                                       .resources = config_.resources.size(),
                                       .cache = around_.zone.usage()}),
                     http::kJson);
}

bool Worker::take_turn(std::string_view what) {
  turn_ = around_.zone.try_lead(what, kTurn, around_.reactor.now());
  return turn_.has_value();
}

void Worker::give_back_turn() {
  if (turn_) around_.zone.release(*std::exchange(turn_, std::nullopt));
}

/// Every kUpkeep, and when this worker is asked: what it says of the others is at most that old.
void Worker::tell_gauges() const {
  if (!place_) return;
  const Connections clients = around_.connections();
  const auto pool = store_->pool().value_or(store::PoolUsage{});
  around_.zone.tell(*place_,
                    {pack(clients.reading, clients.writing, clients.waiting), pack(pool.idle, pool.busy, pool.connecting)});
}

http::Response Worker::metrics() const {
  tell_gauges();
  std::array<std::uint64_t, 3> clients{};
  std::array<std::uint64_t, 3> pool{};
  around_.zone.each_worker([&](const cache::WorkerSlots::Words& words) {
    add(clients, words[0]);
    add(pool, words[1]);
  });
  const cache::Zone::Usage usage = around_.zone.usage();
  std::vector<metrics::Sample> samples{{metrics::kCacheEntries, {}, usage.entries},
                                       {metrics::kCacheBytes, {}, usage.bytes},
                                       {metrics::kCacheCapacity, {}, usage.capacity},
                                       {metrics::kCacheEvictions, {}, usage.evictions},
                                       {metrics::kCacheResets, {}, usage.resets},
                                       {metrics::kBuildInfo, {NACRE_VERSION, around_.nginx}, 1},
                                       {metrics::kConnections, {"active"}, clients[0] + clients[1] + clients[2]},
                                       {metrics::kConnections, {"reading"}, clients[0]},
                                       {metrics::kConnections, {"writing"}, clients[1]},
                                       {metrics::kConnections, {"waiting"}, clients[2]}};
  if (store_->pool()) {
    samples.push_back({metrics::kPoolConnections, {"idle"}, pool[0]});
    samples.push_back({metrics::kPoolConnections, {"busy"}, pool[1]});
    samples.push_back({metrics::kPoolConnections, {"connecting"}, pool[2]});
  }
  return text_answer(metrics::expose(registry_, samples), metrics::kContentType);
}

}  // namespace nacre
