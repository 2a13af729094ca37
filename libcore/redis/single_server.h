#pragma once

#include <memory>
#include <vector>

#include "redis/node.h"
#include "redis/sentinel.h"
#include "redis/servers.h"
#include "redis/subscriber.h"

namespace nacre::redis {

/// One server; or the master of a group that Sentinels watch, whichever it is at the time: it is asked for again when the
/// connection is lost, when the server says that it is no master, and when a Sentinel says that another one is.
class SingleServer final : public Servers {
 public:
  SingleServer(Reactor& reactor, net::Threads& threads, std::shared_ptr<const Target> target, const Node::Options& options);

  Result<Reply> command(Words words) override;
  std::vector<Result<Reply>> commands(std::span<const Words> commands) override;
  Result<void> send(Words words) override { return node_.send(words); }
  bool available() const noexcept override { return node_.available(); }
  std::string refusal() const override { return refusal_; }
  net::ConnectionBase::Dial messages() const override { return dial_; }

 private:
  void judge(Result<Reply>& reply);

  void watch_sentinels(Reactor& reactor, net::Threads& threads, const Node::Options& options);

  const std::shared_ptr<const Target> target_;
  const std::shared_ptr<KnownMaster> master_ = std::make_shared<KnownMaster>();
  const net::ConnectionBase::Dial dial_;
  Node node_;
  std::string refusal_;  ///< of the Sentinel
  std::unique_ptr<Subscriber> sentinel_;
};

}  // namespace nacre::redis
