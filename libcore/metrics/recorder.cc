#include "metrics/recorder.h"

namespace nacre::metrics {

namespace {

constexpr int kOk = -1;

/// By http::Method; a method of any other name is "other", for no label comes from a client.
constexpr std::array<std::string_view, 8> kMethodNames{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};
static_assert(static_cast<std::size_t>(http::Method::other) + 1 == kMethodNames.size());

std::string_view to_string(StoreOperation operation) {
  switch (operation) {
    case StoreOperation::find_one:
      return "find_one";
    case StoreOperation::find:
      return "find";
    case StoreOperation::insert:
      return "insert";
    case StoreOperation::replace:
      return "replace";
    case StoreOperation::erase:
      return "erase";
    case StoreOperation::recall:
      return "recall";
    case StoreOperation::remember:
      return "remember";
    case StoreOperation::ping:
      break;
  }
  return "ping";
}

std::string_view result_name(std::optional<Error> error) {
  if (!error) return "ok";
  switch (*error) {
    case Error::not_found:
      return "not_found";
    case Error::conflict:
      return "conflict";
    case Error::precondition_failed:
      return "precondition_failed";
    case Error::unavailable:
      return "unavailable";
    case Error::overloaded:
      return "overloaded";
    case Error::deadline:
      return "deadline";
    case Error::cancelled:
      return "cancelled";
    default:
      return "error";
  }
}

/// The counter of `code`, resolved when it is new.
template <class Resolve>
Counter counter_of(std::vector<std::pair<int, Counter>>& counters, int code, Resolve resolve) {
  for (const auto& [known, counter] : counters) {
    if (known == code) return counter;
  }
  return counters.emplace_back(code, resolve()).second;
}

}  // namespace

Recorder::Recorder(Registry& registry, std::vector<std::string> routes) : registry_(registry) {
  routes_.reserve(routes.size());
  for (std::string& name : routes) {
    const Histogram duration = registry_.histogram(kHttpDuration, {name});
    routes_.push_back({std::move(name), duration, {}});
  }
  set_tiers(true, false);
  store_duration_ = registry_.histogram(kStoreDuration, {});
  pool_wait_ = registry_.histogram(kPoolWait, {});
  redis_duration_ = registry_.histogram(kRedisDuration, {});
}

void Recorder::answered(std::size_t route, http::Method method, int status, std::chrono::nanoseconds took) {
  Route& on = routes_[route];
  const auto index = static_cast<std::size_t>(method);
  counter_of(on.requests[index], status, [&] {
    return registry_.counter(kHttpRequests, {on.name, kMethodNames[index], std::to_string(status)});
  }).add();
  on.duration.observe(took);
}

void Recorder::set_tiers(bool local, bool shared) noexcept {
  const auto counter = [this](bool there, std::string_view tier, std::string_view result) {
    return there ? registry_.counter(kCacheRequests, {tier, result}) : Counter();
  };
  l1_hit_ = counter(local, "l1", "hit");
  l1_miss_ = counter(local, "l1", "miss");
  l1_stale_ = counter(local, "l1", "stale");
  l2_hit_ = counter(shared, "l2", "hit");
  l2_miss_ = counter(shared, "l2", "miss");
}

void Recorder::looked_up(cache::Outcome outcome) noexcept {
  switch (outcome) {
    case cache::Outcome::none:
      return;
    case cache::Outcome::l1_hit:
      return l1_hit_.add();
    case cache::Outcome::stale:
      return l1_stale_.add();
    case cache::Outcome::l2_hit:
      l1_miss_.add();
      return l2_hit_.add();
    case cache::Outcome::miss:
      l1_miss_.add();
      return l2_miss_.add();
  }
}

void Recorder::stored(StoreOperation operation, std::optional<Error> error, std::chrono::nanoseconds took) {
  const int code = error ? static_cast<int>(*error) : kOk;
  counter_of(operations_[static_cast<std::size_t>(operation)], code, [&] {
    return registry_.counter(kStoreOperations, {to_string(operation), result_name(error)});
  }).add();
  store_duration_.observe(took);
}

void Recorder::asked_redis(std::optional<Error> error, std::chrono::nanoseconds took) {
  counter_of(redis_commands_, error ? static_cast<int>(*error) : kOk, [&] {
    return registry_.counter(kRedisCommands, {result_name(error)});
  }).add();
  redis_duration_.observe(took);
}

}  // namespace nacre::metrics
