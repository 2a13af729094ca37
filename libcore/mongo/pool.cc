#include "mongo/pool.h"

#include <algorithm>

#include "mongo/reply.h"

namespace nacre::mongo {
namespace {

constexpr std::size_t kLongestQueue = 4'096;

}  // namespace

Checkout& Checkout::operator=(Checkout&& other) noexcept {
  if (this == &other) return *this;
  end();
  pool_ = std::exchange(other.pool_, nullptr);
  connection_ = std::exchange(other.connection_, nullptr);
  pooled_ = other.pooled_;
  return *this;
}

void Checkout::end() {
  connection_ = nullptr;
  if (Pool* const pool = std::exchange(pool_, nullptr)) pool->check_in(*pooled_);
}

Pool::Pool(const Connector& connector, const SharedConnections& shared, const Listeners& listeners)
    : connector_(connector),
      shared_(shared),
      listeners_(listeners),
      aging_(connector.reactor.background_timer([this] { close_idle(); })),
      lost_(listeners.log, "MongoDB takes no more connections") {}

void Pool::start() { grow(); }

Result<Checkout> Pool::check_out() {
  const auto told = [this](std::chrono::nanoseconds time) {
    if (listeners_.on_wait) listeners_.on_wait(time);
  };
  if (Pooled* const pooled = waiting_.empty() ? take_idle() : nullptr) {
    told({});
    return Checkout(*this, *pooled);
  }
  const auto began = std::chrono::steady_clock::now();
  const auto got = wait_in_turn();
  told(std::chrono::steady_clock::now() - began);
  if (!got) return got.error();
  return Checkout(*this, **got);
}

Pooled* Pool::take_idle() noexcept {
  if (idle_.empty()) return nullptr;
  Pooled* const pooled = idle_.back();
  idle_.pop_back();
  pooled->held = true;
  return pooled;
}

Result<Pooled*> Pool::wait_in_turn() {
  const Milliseconds patience = shared_.patience();
  if (patience <= Milliseconds{0}) return shared_.failure();
  if (waiting_.size() >= kLongestQueue) return Failure(Error::overloaded, "too many requests wait for the store");
  const Milliseconds queue = connector_.target.uri->wait_queue_timeout;
  const fiber::TimeLimit limit(queue > Milliseconds{0} ? std::min(queue, patience) : patience);
  Waiter waiter;
  const auto place = waiting_.insert(waiting_.end(), &waiter);
  grow();
  const auto waited = waiter.ready.wait();
  if (waiter.connection == nullptr) waiting_.erase(place);
  if (waited) return waiter.connection;
  if (waiter.connection != nullptr) check_in(*waiter.connection);
  return waited.error().error == Error::deadline ? none_in_time() : waited.error();
}

std::optional<Failure> Pool::lost() const {
  std::optional<Failure> why;
  for (const auto& pooled : connections_) {
    if (pooled->is_usable()) return std::nullopt;
    if (const Failure& failure = pooled->connection().failure(); !failure.internal.empty()) why = away(failure.internal);
  }
  return why;
}

Failure Pool::none_in_time() {
  if (shared_.is_away()) return away("no connection in time: " + shared_.failure().internal);
  Failure failure(Error::overloaded, "no connection to the store was free in time");
  if (const auto why = lost()) {
    lost_.lost(why->internal);
    failure.internal = why->internal;
  }
  return failure;
}

void Pool::check_in(Pooled& pooled) {
  pooled.held = false;
  settle(pooled);
}

/// What becomes of a connection that nobody holds.
void Pool::settle(Pooled& pooled) {
  std::erase(idle_, &pooled);
  if (!pooled.is_usable()) {
    const bool wanted = connections_.size() <= connector_.target.uri->min_connections || connecting() <= waiting_.size();
    if (!wanted) discard(pooled);
    return;
  }
  if (pooled.connection().depth() > 0) return;  // the reply to what was given up is due
  if (pooled.is_outdated()) {
    discard(pooled);
    return grow();
  }
  if (waiting_.empty()) {
    pooled.idle_since = connector_.reactor.now();
    idle_.push_back(&pooled);
    watch_idle();
    return;
  }
  Waiter& next = *waiting_.front();
  waiting_.pop_front();
  pooled.held = true;
  next.connection = &pooled;
  next.ready.set();
}

/// Its callbacks may be under way, so that it is destroyed after them.
void Pool::discard(Pooled& pooled) {
  const auto found =
      std::find_if(connections_.begin(), connections_.end(), [&](const auto& one) { return one.get() == &pooled; });
  pooled.connection().close(away("not needed any more"));
  gone_.push_back(std::move(*found));
  connector_.reactor.post(clearing_);
  connections_.erase(found);
}

void Pool::grow() {
  const Uri& uri = *connector_.target.uri;
  std::size_t opening = connecting();
  const auto wanted = [&] { return opening < waiting_.size() || connections_.size() < uri.min_connections; };
  for (; connections_.size() < uri.max_connections && opening < uri.max_connecting && wanted(); ++opening) {
    Pooled& pooled = *connections_.emplace_back(std::make_unique<Pooled>(connector_));
    pooled.on_quiet = [this, &pooled] {
      if (!pooled.held) settle(pooled);
    };
    pooled.on_change = [this, &pooled] {
      if (!pooled.held) settle(pooled);
      grow();
    };
  }
}

void Pool::retry() {
  for (const auto& pooled : connections_) {
    if (pooled->connection().state() == net::ConnectionBase::State::pausing) pooled->connection().open();
  }
}

void Pool::follow(const Choice& choice) {
  std::vector<Pooled*> left;
  for (const auto& pooled : connections_) {
    if (!pooled->is_usable() || !choice.leaves(pooled->server().address)) continue;
    pooled->outdate();
    if (!pooled->held) left.push_back(pooled.get());
  }
  for (Pooled* const pooled : left) settle(*pooled);
}

void Pool::dismiss(const std::string& address, const std::string& why) {
  for (const auto& pooled : connections_) {
    if (pooled->server().address == address) pooled->dismiss(why);
  }
  drop_unusable();
}

bool Pool::dismiss_stale() {
  bool any = false;
  for (const auto& pooled : connections_) any = pooled->dismiss_stale() || any;
  drop_unusable();
  return any;
}

/// Of the idle ones.
void Pool::drop_unusable() noexcept {
  std::erase_if(idle_, [](const Pooled* pooled) { return !pooled->is_usable(); });
}

void Pool::watch_idle() {
  const Milliseconds most = connector_.target.uri->max_idle_time;
  if (most > Milliseconds{0} && !idle_.empty()) aging_->arm(idle_.front()->idle_since + most);
}

/// The one that was idle for the longest is the first.
void Pool::close_idle() {
  const Uri& uri = *connector_.target.uri;
  while (!idle_.empty() && idle_.front()->idle_since + uri.max_idle_time <= connector_.reactor.now()) {
    if (connections_.size() <= uri.min_connections) return;
    Pooled& pooled = *idle_.front();
    idle_.erase(idle_.begin());
    discard(pooled);
  }
  watch_idle();
}

/// Those that are not open, and wait for nobody's end.
std::size_t Pool::connecting() const noexcept {
  return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                [](const auto& pooled) { return !pooled->is_usable() && !pooled->held; }));
}

Usage Pool::usage() const noexcept {
  Usage usage{.idle = idle_.size(), .busy = 0, .connecting = connecting(), .waiting = waiting_.size()};
  usage.busy = connections_.size() - usage.idle - usage.connecting;
  return usage;
}

}  // namespace nacre::mongo
