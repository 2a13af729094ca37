#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "net/connection.h"
#include "redis/target.h"

/// Sentinels watch a group of servers and make a replica the master when the master fails.
/// https://redis.io/docs/reference/sentinel-clients/
namespace nacre::redis {

/// Which master is dialled: told by the thread that does, asked by the loop.
class KnownMaster {
 public:
  void set(const net::Endpoint& master);
  bool is(const net::Endpoint& other) const;

 private:
  mutable std::mutex mutex_;
  net::Endpoint master_;
};

/// Asks one Sentinel after another for the master and dials it, once it says itself that it is one.
net::ConnectionBase::Dial dial_master(std::shared_ptr<const Target> target, std::shared_ptr<KnownMaster> known);

/// Dials the first Sentinel that answers.
net::ConnectionBase::Dial dial_sentinel(std::shared_ptr<const Target> target);

/// Where the master is by a message on +switch-master: `<name> <old ip> <old port> <new ip> <new port>`. nullopt when the
/// message is about another group.
std::optional<net::Endpoint> switched_master(const Target& target, std::string_view message);

}  // namespace nacre::redis
