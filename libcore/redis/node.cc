#include "redis/node.h"

#include <algorithm>

namespace nacre::redis {

using State = net::ConnectionBase::State;

net::ConnectionOptions Node::connection_options(Milliseconds timeout) {
  const Milliseconds patience = std::clamp(4 * timeout, Milliseconds{1'000}, Milliseconds{10'000});
  return {.connect_timeout = patience,
          .silence = patience,
          .first_pause = Milliseconds{20},
          .longest_pause = Milliseconds{500}};  // so that it is back within a second of its return
}

Node::Node(Reactor& reactor, net::Threads& threads, net::ConnectionBase::Dial dial, Options options)
    : options_(std::move(options)),
      connection_(reactor, threads, std::move(dial), connection_options(options_.timeout)),
      outage_(options_.name, options_.log) {
  connection_.on_change = [this] { on_change(); };
  connection_.open();
}

Node::~Node() {
  connection_.on_change = nullptr;
  settled_->set();
}

void Node::on_change() {
  const State state = connection_.state();
  if (state == State::connecting) return;
  hopeful_ = state == State::open;
  std::exchange(settled_, std::make_shared<fiber::Event>())->set();
  if (hopeful_) {
    outage_.back();
  } else {
    outage_.lost(connection_.failure().internal);
  }
}

void Node::redial(const std::string& why) {
  connection_.abandon(why);
  connection_.open();
}

Failure Node::away() const {
  Failure failure(Error::unavailable);
  failure.internal = "redis: " + (silent() ? "silent" : connection_.failure().internal);
  return failure;
}

bool Node::available() const noexcept {
  return connection_.state() == State::open ? !silent() : connection_.state() == State::connecting && hopeful_;
}

Result<void> Node::settle() {
  while (connection_.state() == State::connecting && hopeful_) {
    const auto settled = settled_;
    if (auto waited = settled->wait(); !waited) return waited;
  }
  if (!available()) return away();
  return {};
}

Result<Reply> Node::command(Words words) {
  for (bool again = false;; again = true) {
    if (auto settled = settle(); !settled) return settled.error();
    Call call(*this, words);
    auto reply = call.wait();
    if (reply || again || call.sent() || reply.error().error != Error::unavailable) return reply;
  }
}

Result<void> Node::send(Words words) {
  if (!available()) return away();
  return connection_.send([words](std::string& out) { append_command(out, words); });
}

}  // namespace nacre::redis
