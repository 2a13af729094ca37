#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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
  /// How many connections for commands there have been: another number says that another server may answer.
  std::uint64_t conversations() const noexcept { return conversations_; }
  /// What a server refuses to tell of where the others are, in its words; empty: nothing.
  virtual std::string refusal() const { return {}; }
  /// What dials a server that messages can be heard on.
  virtual net::ConnectionBase::Dial messages() const = 0;

  /// How often one of several servers may have been replaced, or have come back with other data.
  std::uint64_t replacements() const noexcept { return replacements_; }

 protected:
  std::uint64_t conversations_ = 0;
  std::uint64_t replacements_ = 0;
};

/// Of a server that answers but takes no writes, be it full, a replica or unable to save.
inline constexpr std::string_view kTakesNoWrites = "the cache takes no writes";

/// What an error of the server means for its caller: Error::unavailable when it may pass, else Error::internal.
Failure failure_of(const std::string& words);
/// Whether the server itself refused.
bool refused(const Failure& failure) noexcept;

/// The server says that another one should be asked: it was the master and is not any more.
bool is_demoted(const std::string& words) noexcept;

}  // namespace nacre::redis
