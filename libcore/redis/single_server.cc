#include "redis/single_server.h"

#include <deque>

#include "redis/handshake.h"

namespace nacre::redis {

namespace {

net::ConnectionBase::Dial dial_of(const std::shared_ptr<const Target>& target, const std::shared_ptr<KnownMaster>& master) {
  if (target->kind == Target::Kind::sentinel) return dial_master(target, master);
  return dial_server(target, target->endpoints.front());
}

}  // namespace

SingleServer::SingleServer(Reactor& reactor, net::Threads& threads, std::shared_ptr<const Target> target,
                           const Node::Options& options)
    : target_(std::move(target)),
      dial_(dial_of(target_, master_)),
      node_(reactor, threads, dial_, {options.timeout, options.log, options.name, [this] { ++conversations_; }}) {
  if (target_->kind == Target::Kind::sentinel) watch_sentinels(reactor, threads, options);
}

void SingleServer::watch_sentinels(Reactor& reactor, net::Threads& threads, const Node::Options& options) {
  const auto on_message = [this](std::string_view, std::string_view message) {
    const auto master = switched_master(*target_, message);
    if (master && !master_->is(*master)) node_.redial("the master is " + master->to_string() + " now");
  };
  sentinel_ = std::make_unique<Subscriber>(
      reactor, threads, dial_sentinel(target_), Node::connection_options(options.timeout), options.log, "redis: sentinel",
      Listener{.channels = {"+switch-master"}, .on_message = on_message, .on_refused = [this](std::string_view words) {
                 refusal_ = words;
               }});
}

/// The server's errors become failures.
void SingleServer::judge(Result<Reply>& reply) {
  if (!reply || !reply->is_error()) return;
  if (is_demoted(reply->text())) node_.abandon(reply->text());
  reply = failure_of(reply->text());
}

Result<Reply> SingleServer::command(Words words) {
  auto reply = node_.command(words);
  judge(reply);
  return reply;
}

std::vector<Result<Reply>> SingleServer::commands(std::span<const Words> commands) {
  std::vector<Result<Reply>> replies;
  replies.reserve(commands.size());
  if (auto settled = node_.settle(); !settled) {
    replies.assign(commands.size(), settled.error());
    return replies;
  }
  std::deque<Node::Call> calls;
  for (const Words words : commands) calls.emplace_back(node_, words);
  for (Node::Call& call : calls) judge(replies.emplace_back(call.wait()));
  return replies;
}

}  // namespace nacre::redis
