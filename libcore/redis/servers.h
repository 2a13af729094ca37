#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "net/connection.h"
#include "redis/reply.h"
#include "redis/words.h"

namespace nacre::redis {

/// Where commands go: one server, or those of a cluster. Errors of the server have become failures.
class Servers {
 public:
  virtual ~Servers() = default;
  /// On a fiber, until its deadline.
  virtual Result<Reply> command(Words words) = 0;
  virtual std::vector<Result<Reply>> commands(std::span<const Words> commands) = 0;
  /// Also on the main stack.
  virtual Result<void> send(Words words) = 0;
  virtual bool available() const noexcept = 0;
  /// What dials a server that messages can be heard on.
  virtual net::ConnectionBase::Dial messages() const = 0;
};

/// What an error of the server means for its caller: Error::unavailable when it may pass, else Error::internal.
Failure failure_of(const std::string& words);

/// The server says that another one should be asked: it was the master and is not any more.
bool is_demoted(const std::string& words) noexcept;

}  // namespace nacre::redis
