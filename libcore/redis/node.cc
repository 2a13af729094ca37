#include "redis/node.h"

#include <algorithm>

namespace nacre::redis {

using State = net::ConnectionBase::State;

net::ConnectionOptions Node::connection_options(Milliseconds timeout) {
  constexpr Milliseconds kLongest{10'000};
  // Together, a try to connect and the pause after it take no more than a second, so that a server is back within a second of
  // its return.
  return {.connect_timeout = std::clamp(3 * timeout, Milliseconds{750}, kLongest),
          .silence = std::clamp(4 * timeout, Milliseconds{1'000}, kLongest),
          .first_pause = Milliseconds{20},
          .longest_pause = Milliseconds{250}};
}

Node::Node(Reactor& reactor, net::Threads& threads, net::ConnectionBase::Dial dial, Options options)
    : reactor_(reactor),
      options_(std::move(options)),
      connection_(reactor, threads, std::move(dial), connection_options(options_.timeout)),
      dialled_(reactor.now()),
      outage_(options_.log, options_.name + " is away", options_.name + " is back") {
  connection_.on_change = [this] { on_change(); };
  connection_.open();
}

Node::~Node() {
  connection_.on_change = nullptr;
  settled_->set();
}

void Node::on_change() {
  const State state = connection_.state();
  if (state == State::connecting) {
    dialled_ = reactor_.now();
    return;
  }
  good_ = state == State::open;
  if (good_ && options_.on_open) options_.on_open();
  std::exchange(settled_, std::make_shared<fiber::Event>())->set();
  if (good_) {
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
  const std::string& why = connection_.failure().internal;
  failure.internal = "redis: " + (silent() ? "silent" : why.empty() ? "connecting" : why);
  return failure;
}

bool Node::hopeful() const noexcept {
  return connection_.state() == State::connecting && good_ && reactor_.now() - dialled_ < options_.timeout;
}

bool Node::available() const noexcept { return connection_.state() == State::open ? !silent() : hopeful(); }

Result<void> Node::settle() {
  while (hopeful()) {
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
    const auto& failure = call.end();
    if (!failure || again || call.sent() || failure->error != Error::unavailable) return call.wait();
  }
}

Result<void> Node::send(Words words) {
  if (!available()) return away();
  return connection_.send([words](std::string& out) { append_command(out, words); });
}

}  // namespace nacre::redis
