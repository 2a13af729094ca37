#include "redis/subscriber.h"

#include "redis/words.h"

namespace nacre::redis {

namespace {

constexpr Milliseconds kLook{500};

}  // namespace

Subscriber::Subscriber(Reactor& reactor, net::Threads& threads, net::ConnectionBase::Dial dial,
                       const net::ConnectionOptions& options, Outage outage, Listener listener)
    : reactor_(reactor),
      listener_(std::move(listener)),
      outage_(std::move(outage)),
      timer_(reactor.background_timer([this] { look(); })),
      connection_(reactor, threads, std::move(dial), options) {
  connection_.codec().subscriber = this;
  connection_.on_change = [this] { on_change(); };
  connection_.open();
}

Subscriber::~Subscriber() { connection_.on_change = nullptr; }

void Subscriber::on_change() {
  if (connection_.state() != net::ConnectionBase::State::open) {
    timer_->disarm();
    if (connection_.state() == net::ConnectionBase::State::pausing) outage_.lost(connection_.failure().internal);
    return set_heard(false);
  }
  missing_ = listener_.channels.size();
  for (const std::string& channel : listener_.channels) {
    static_cast<void>(connection_.send([&](std::string& out) { append_command(out, words_of({"SUBSCRIBE", channel})); }));
  }
  timer_->arm(reactor_.now() + kLook);
}

/// True for the reply to a command.
bool Subscriber::take(const Reply& reply) {
  const auto& items = reply.items();
  if (items.size() == 3 && items[0].text() == "message") {
    listener_.on_message(items[1].text(), items[2].text());
    return false;
  }
  if (reply.is_error()) {
    connection_.abandon("subscribing: " + reply.text());
  } else if (!items.empty() && items[0].text() == "subscribe" && missing_ > 0 && --missing_ == 0) {
    outage_.back();
    set_heard(true);
  }
  return true;
}

/// A peer that is gone is silent for good once it owes a reply.
void Subscriber::look() {
  if (connection_.depth() == 0) {
    static_cast<void>(connection_.send([](std::string& out) { append_command(out, words_of({"PING"})); }));
  }
  timer_->arm(reactor_.now() + kLook);
}

void Subscriber::set_heard(bool heard) {
  if (heard_ == heard) return;
  heard_ = heard;
  if (listener_.on_heard) listener_.on_heard(heard);
}

}  // namespace nacre::redis
