#include "redis/slot_finder.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "redis/handshake.h"

namespace nacre::redis {

namespace {

Result<std::vector<SlotRange>> ask_node(const net::Endpoint& node, const Target& target, const net::Patience& patience) {
  auto socket = handshake(node, {target.credentials, 0, target.probe, target.tls}, patience);
  if (!socket) return socket.error();
  auto reply = Talk(*socket, patience).ask({"CLUSTER", "SLOTS"});
  if (!reply) return reply.error();
  return read_slots(*reply, node);
}

}  // namespace

struct SlotFinder::Question {
  Found found;  ///< empty once nobody wants to know
  std::stop_source stop;
  Result<std::vector<SlotRange>> ranges = Failure(Error::unavailable);  ///< the thread's, then the loop's
};

/// Each time in another order, so that no node is asked by all and one that hangs not always first.
std::vector<net::Endpoint> SlotFinder::Nodes::all(const Target& target) {
  const std::lock_guard lock(mutex);
  std::vector<net::Endpoint> nodes = found;
  if (!nodes.empty())
    std::rotate(nodes.begin(), nodes.begin() + randombytes_uniform(static_cast<std::uint32_t>(nodes.size())), nodes.end());
  for (const net::Endpoint& node : target.endpoints) {
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(node);
  }
  return nodes;
}

void SlotFinder::Nodes::set(const std::vector<SlotRange>& ranges) {
  const std::lock_guard lock(mutex);
  found.clear();
  for (const SlotRange& range : ranges) {
    if (std::find(found.begin(), found.end(), range.master) == found.end()) found.push_back(range.master);
  }
}

SlotFinder::SlotFinder(net::Threads& threads, std::shared_ptr<const Target> target, Milliseconds timeout)
    : threads_(threads), target_(std::move(target)), timeout_(timeout) {}

SlotFinder::~SlotFinder() {
  if (question_ == nullptr) return;
  question_->found = nullptr;
  question_->stop.request_stop();
}

void SlotFinder::ask(Found found) {
  if (question_ != nullptr) return;
  question_ = std::make_shared<Question>();
  question_->found = std::move(found);
  auto work = [question = question_, nodes = nodes_, target = target_, timeout = timeout_](const std::stop_token& stopping) {
    const std::stop_callback stops(stopping, [&] { question->stop.request_stop(); });
    const net::Patience patience{monotonic_now() + timeout, question->stop.get_token()};
    const auto ask = [&](const net::Endpoint& node, const net::Patience& share) { return ask_node(node, *target, share); };
    question->ranges = first_of<std::vector<SlotRange>>(nodes->all(*target), patience, ask);
    if (question->ranges) nodes->set(*question->ranges);
  };
  auto done = [this, question = question_] {
    if (!question->found) return;
    question_.reset();
    question->found(std::move(question->ranges));
  };
  threads_.run(std::move(work), std::move(done));
}

net::ConnectionBase::Dial SlotFinder::dial_any() const {
  return [nodes = nodes_, target = target_](const net::Patience& patience) {
    return first_of<net::Socket>(nodes->all(*target), patience, [&](const net::Endpoint& node, const net::Patience& share) {
      return handshake(node, {target->credentials, 0, target->probe, target->tls}, share);
    });
  };
}

}  // namespace nacre::redis
