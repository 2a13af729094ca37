#pragma once

#include <memory>

#include "fiber/reactor.h"
#include "store/sqlite/lane.h"

namespace nacre::store::sqlite {

/// Deletes remembered values that have expired, by the reactor's clock: a few milliseconds' worth at a time, between the writes
/// of a worker, again and again until none is left, and every few seconds whether anything is written or not. What a clock that
/// ran ahead has left is kept no longer than what is remembered now (Remember::kLongest). Loop's thread only.
class Purge : public std::enable_shared_from_this<Purge> {
 public:
  /// `pause`: between two steps, for other writes.
  Purge(Reactor& reactor, std::shared_ptr<Queue> writes, Milliseconds pause);

  void begin();

 private:
  class Step;

  void step();
  void took(const Result<bool>& more);

  Reactor& reactor_;
  const std::shared_ptr<Queue> writes_;
  const Milliseconds pause_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace nacre::store::sqlite
