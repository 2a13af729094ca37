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
    case Error::remembered:
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
const Counter& counter_of(std::vector<std::pair<int, Counter>>& counters, int code, Resolve resolve) {
  for (const auto& [known, counter] : counters) {
    if (known == code) return counter;
  }
  return counters.emplace_back(code, resolve()).second;
}

constexpr std::array<std::string_view, 2> kTierNames{"l1", "l2"};
constexpr std::array<std::string_view, 3> kLookupNames{"hit", "miss", "stale"};

}  // namespace

Recorder::Recorder(Registry& registry, std::vector<Route> routes) : registry_(registry) {
  routes_.reserve(routes.size());
  for (Route& route : routes) {
    Answers& answers = routes_.emplace_back(Answers{std::move(route.name), {}, {}});
    for (const auto& [method, status] : route.usual) requests(answers, method, status);
    if (!route.usual.empty()) duration(answers);
  }
  store_duration_ = registry_.histogram(kStoreDuration, {});
  pool_wait_ = registry_.histogram(kPoolWait, {});
  redis_duration_ = registry_.histogram(kRedisDuration, {});
}

Room Recorder::room_for(std::span<const Route> routes) {
  constexpr std::size_t kLabels = std::string_view(R"(route="",method="DELETE",status="200")").size();
  constexpr std::size_t kOthers = 2;  // statuses beside each usual one
  Room room{16U << 10U, 4U << 10U};   // what does not depend on routes
  for (const Route& route : routes) {
    if (!route.usual.empty()) room.add(kHttpDuration, kLabels + route.name.size());
    for (std::size_t i = 0; i < route.usual.size() * (1 + kOthers); ++i) room.add(kHttpRequests, kLabels + route.name.size());
  }
  return room;
}

const Counter& Recorder::requests(Answers& answers, http::Method method, int status) {
  const auto index = static_cast<std::size_t>(method);
  return counter_of(answers.requests[index], status, [&] {
    return registry_.counter(kHttpRequests, {answers.route, kMethodNames[index], std::to_string(status)});
  });
}

const Histogram& Recorder::duration(Answers& answers) {
  if (!answers.duration) answers.duration = registry_.histogram(kHttpDuration, {answers.route});
  return *answers.duration;
}

void Recorder::answered(std::size_t route, http::Method method, int status, std::chrono::nanoseconds took) {
  Answers& answers = routes_[route];
  requests(answers, method, status).add();
  duration(answers).observe(took);
}

void Recorder::set_tiers(bool l1, bool l2) {
  const std::array<bool, 2> there{l1, l2};
  for (std::size_t tier = 0; tier < there.size(); ++tier) {
    for (std::size_t result = 0; result < kLookupNames.size(); ++result) {
      lookups_[tier][result] =
          there[tier] ? registry_.counter(kCacheRequests, {kTierNames[tier], kLookupNames[result]}) : Counter();
    }
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
