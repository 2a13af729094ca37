#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "net/connection.h"
#include "redis/slots.h"
#include "redis/target.h"

namespace nacre::redis {

/// Asks the nodes of a cluster, on a thread, which master serves which slots.
class SlotFinder {
 public:
  using Found = std::function<void(Result<std::vector<SlotRange>>)>;

  SlotFinder(net::Threads& threads, std::shared_ptr<const Target> target, Milliseconds timeout);
  ~SlotFinder();
  SlotFinder(const SlotFinder&) = delete;
  SlotFinder& operator=(const SlotFinder&) = delete;

  /// Begins to ask, unless it does already; `found` is called on the loop.
  void ask(Found found);
  bool asking() const noexcept { return question_ != nullptr; }

  /// What dials some node that answers: those last found, then those of the target.
  net::ConnectionBase::Dial dial_any() const;

 private:
  /// The nodes to ask, shared with threads.
  struct Nodes {
    std::vector<net::Endpoint> all(const Target& target);
    void set(const std::vector<SlotRange>& ranges);

    std::mutex mutex;
    std::vector<net::Endpoint> found;
  };
  struct Question;

  net::Threads& threads_;
  const std::shared_ptr<const Target> target_;
  const Milliseconds timeout_;
  const std::shared_ptr<Nodes> nodes_ = std::make_shared<Nodes>();
  std::shared_ptr<Question> question_;
};

}  // namespace nacre::redis
