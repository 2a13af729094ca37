#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "redis/node.h"
#include "redis/servers.h"
#include "redis/slot_finder.h"

namespace nacre::redis {

/// The masters of a cluster: a connection to each, made when it is first needed. Where the slots are is asked for at the
/// beginning, after a redirection, and while a master is away, for a replica may have taken its place.
class Cluster final : public Servers {
 public:
  Cluster(Reactor& reactor, net::Threads& threads, std::shared_ptr<const Target> target, Node::Options options);
  ~Cluster() override;

  Result<Reply> command(Words words) override;
  std::vector<Result<Reply>> commands(std::span<const Words> commands) override;
  Result<void> send(Words words) override;
  bool available() const noexcept override;
  net::ConnectionBase::Dial messages() const override { return finder_.dial_any(); }

 private:
  struct Master {
    Master(Cluster& cluster, const net::Endpoint& at);
    net::Endpoint endpoint;
    bool opened = false;  ///< ever
    Node node;
  };
  using MasterPtr = std::shared_ptr<Master>;

  bool hopeful() const noexcept;
  Result<void> settle();
  Result<MasterPtr> master_of(Words words);
  MasterPtr any_master() const;
  MasterPtr master_at(const net::Endpoint& endpoint);
  Result<Reply> follow(Words words, MasterPtr master, Result<Reply> reply);
  Result<Reply> ask(Words words, Node& node);
  void refresh();
  void found(const Result<std::vector<SlotRange>>& ranges);

  Reactor& reactor_;
  net::Threads& threads_;
  const std::shared_ptr<const Target> target_;
  const Node::Options options_;
  SlotFinder finder_;
  std::vector<MasterPtr> masters_;
  std::array<MasterPtr, kSlots> slots_;
  bool known_ = false;
  std::optional<Monotonic> asked_;  ///< when the slots were last asked for
  Milliseconds pause_{};            ///< since then, before they are asked for again
  Failure failure_{Error::unavailable};
  const Monotonic began_;
  std::shared_ptr<fiber::Event> settled_ = std::make_shared<fiber::Event>();
  std::unique_ptr<Timer> timer_;
  Outage outage_;
};

}  // namespace nacre::redis
