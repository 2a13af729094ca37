#include "redis/subscriber.h"

#include "redis/words.h"

namespace nacre::redis {

namespace {

constexpr Milliseconds kLook{500};

/// Longer than for commands: a server that refuses a subscription will do so until its operator changes that.
net::ConnectionOptions with_long_pauses(net::ConnectionOptions options) {
  options.longest_pause = Milliseconds{1'000};
  return options;
}

}  // namespace

Subscriber::Subscriber(Reactor& reactor, net::Threads& threads, net::ConnectionBase::Dial dial,
                       const net::ConnectionOptions& options, const Log& log, const std::string& name, Listener listener)
    : reactor_(reactor),
      listener_(std::move(listener)),
      outage_(log, name + " is away", name + " is back"),
      timer_(reactor.background_timer([this] { look(); })),
      connection_(reactor, threads, std::move(dial), with_long_pauses(options)) {
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
  std::vector<std::string_view> words{"SUBSCRIBE"};
  words.insert(words.end(), listener_.channels.begin(), listener_.channels.end());
  static_cast<void>(connection_.send([&](std::string& out) { append_command(out, words); }));
  timer_->arm(reactor_.now() + kLook);
}

/// True for the reply to a command, or the last one of several.
bool Subscriber::take(const Reply& reply) {
  const auto& items = reply.items();
  if (items.size() == 3 && items[0].text() == "message") {
    listener_.on_message(items[1].text(), items[2].text());
    return false;
  }
  if (missing_ == 0) return true;  // also an error is a sign of life
  if (reply.is_error()) {
    refuse(reply.text());
  } else if (!items.empty() && items[0].text() == "subscribe" && --missing_ == 0) {
    outage_.back();
    if (listener_.on_refused) listener_.on_refused({});
    set_heard(true);
  }
  return missing_ == 0;
}

/// The connection had no other use, so that the pause before the next one grows.
void Subscriber::refuse(const std::string& words) {
  if (listener_.on_refused) listener_.on_refused(words);
  connection_.abandon("SUBSCRIBE: " + words);
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
