#include "redis/client.h"

#include "fiber/fiber.h"
#include "redis/cluster.h"
#include "redis/single_server.h"

namespace nacre::redis {

namespace {

std::unique_ptr<Servers> servers_of(Reactor& reactor, net::Threads& threads, const std::shared_ptr<const Target>& target,
                                    const ClientOptions& options) {
  const Node::Options node{.timeout = options.timeout, .log = options.log};
  if (target->kind == Target::Kind::cluster) return std::make_unique<Cluster>(reactor, threads, target, node);
  return std::make_unique<SingleServer>(reactor, threads, target, node);
}

constexpr const char* kAway = "the cache is away";

Failure timed_out() {
  Failure failure(Error::unavailable, kAway);
  failure.internal = "redis: no answer in time";
  return failure;
}

/// What ends only for the client's timeout, and not for the request's own deadline, is Redis being away.
void name_failure(Result<Reply>& reply, bool out_of_time) {
  if (reply) return;
  Failure failure = reply.error();
  if (failure.error == Error::deadline && !out_of_time) failure = timed_out();
  if (failure.error == Error::unavailable && failure.detail.empty()) failure.detail = kAway;
  reply = std::move(failure);
}

}  // namespace

Client::Client(Reactor& reactor, net::Threads& threads, const std::shared_ptr<const Target>& target, ClientOptions options)
    : reactor_(reactor),
      threads_(threads),
      options_(std::move(options)),
      servers_(servers_of(reactor, threads, target, options_)) {}

Client::~Client() = default;

/// One call under `timeout`.
template <class Call>
Result<Reply> Client::timed(Call call) {
  const auto began = std::chrono::steady_clock::now();
  auto reply = [&] {
    const fiber::TimeLimit limit(options_.timeout);
    return call();
  }();
  name_failure(reply, reactor_.now() >= fiber::deadline());
  observe(reply, began);
  return reply;
}

void Client::observe(const Result<Reply>& reply, std::chrono::steady_clock::time_point began) {
  if (!options_.observe) return;
  options_.observe(reply ? std::nullopt : std::optional(reply.error().error), std::chrono::steady_clock::now() - began);
}

Result<Reply> Client::command(Words words) {
  return timed([&] { return servers_->command(words); });
}

std::vector<Result<Reply>> Client::commands(std::span<const Words> commands) {
  const auto began = std::chrono::steady_clock::now();
  auto replies = [&] {
    const fiber::TimeLimit limit(options_.timeout);
    return servers_->commands(commands);
  }();
  const bool own = reactor_.now() >= fiber::deadline();
  for (Result<Reply>& reply : replies) {
    name_failure(reply, own);
    observe(reply, began);
  }
  return replies;
}

Result<Reply> Client::run(const Script& script, std::initializer_list<std::string_view> keys,
                          std::initializer_list<std::string_view> arguments) {
  const std::string count = std::to_string(keys.size());
  std::vector<std::string_view> words{"EVALSHA", script.name(), count};
  words.insert(words.end(), keys);
  words.insert(words.end(), arguments);
  return timed([&] {
    auto reply = servers_->command(words);
    if (reply || !reply.error().internal.starts_with("redis: NOSCRIPT")) return reply;
    words[0] = "EVAL";
    words[1] = script.source();
    return servers_->command(words);
  });
}

Result<void> Client::send(std::initializer_list<std::string_view> words) { return servers_->send(words_of(words)); }

Result<void> Client::ping() {
  auto reply = command({"PING"});
  if (!reply) return reply.error();
  return {};
}

std::uint64_t Client::conversations() const noexcept { return servers_->conversations(); }
std::uint64_t Client::replacements() const noexcept { return servers_->replacements(); }

bool Client::available() const noexcept { return servers_->available(); }

void Client::listen(Listener listener) {
  subscriber_ =
      std::make_unique<Subscriber>(reactor_, threads_, servers_->messages(), Node::connection_options(options_.timeout),
                                   options_.log, "redis: messages", std::move(listener));
}

}  // namespace nacre::redis
