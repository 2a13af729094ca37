#pragma once

#include <functional>
#include <memory>

#include "fiber/reactor.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/reconcile.h"

namespace nacre::store::sqlite {

/// Takes the steps of a Blueprint between the writes of a worker, until nothing is left to do, and has finished indexes checked
/// on a reader. Loop's thread only.
class Upkeep : public std::enable_shared_from_this<Upkeep> {
 public:
  /// `blueprint` lives as long as what it points to. `pause`: between two steps, for other workers' writes.
  Upkeep(Reactor& reactor, std::shared_ptr<Blueprint> blueprint, std::shared_ptr<Queue> writes, std::shared_ptr<Queue> checks,
         Milliseconds pause);

  void begin() { step(); }

 private:
  class Step;
  class Check;

  void step();
  void took(const Result<Blueprint::Progress>& progress);

  Reactor& reactor_;
  const std::shared_ptr<Blueprint> blueprint_;
  const std::shared_ptr<Queue> writes_;
  const std::shared_ptr<Queue> checks_;
  const Milliseconds pause_;
  std::unique_ptr<Timer> timer_;
  bool under_way_ = false;
};

}  // namespace nacre::store::sqlite
