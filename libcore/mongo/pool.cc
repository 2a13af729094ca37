#include "mongo/pool.h"

#include <algorithm>

#include "mongo/reply.h"

namespace nacre::mongo {
namespace {

using State = net::ConnectionBase::State;

/// What is under way at a server that lost its role ends there: a second try beside a first that still runs may meet it.
constexpr Milliseconds kLastReplies{200};
constexpr Milliseconds kRetirePause{5};
constexpr std::size_t kMostWaiting = 4'096;  // fibers, of each role
constexpr std::size_t kDepth = 1'024;        // commands under way on one connection
constexpr Milliseconds kSlack{1'000};

/// A reply is due within the time that a command may take, of which the server is told as well.
net::ConnectionOptions options_for(const Uri& uri, Milliseconds call_timeout) {
  const Milliseconds silence = uri.socket_timeout > Milliseconds{0} ? uri.socket_timeout : 2 * call_timeout + kSlack;
  return {.depth = kDepth, .connect_timeout = 2 * uri.connect_timeout + kSlack, .silence = silence};
}

}  // namespace

PooledConnection::PooledConnection(Reactor& reactor, net::Threads& threads, const Target& target, Role role,
                                   const net::ConnectionOptions& options, std::function<void()> on_change)
    : connection_(
          reactor, threads,
          [target, role, handover = handover_](const net::Patience& patience) -> Result<net::Socket> {
            auto opened = handshake(*target.uri, target.tls, role, patience);
            if (!opened) return opened.error();
            const std::lock_guard lock(handover->mutex);
            handover->server = std::move(opened->server);
            return std::move(opened->socket);
          },
          options, Codec(sequence_)) {
  connection_.on_change = [this, on_change = std::move(on_change)] {
    if (connection_.state() == State::open) {
      const std::lock_guard lock(handover_->mutex);
      server_ = handover_->server;
      dismissed_ = false;
    }
    on_change();
  };
}

Pool::Pool(Reactor& reactor, net::Threads& threads, Target target, Role role, Milliseconds call_timeout, Listeners listeners)
    : reactor_(reactor),
      threads_(threads),
      target_(std::move(target)),
      role_(role),
      options_(options_for(*target_.uri, call_timeout)),
      listeners_(std::move(listeners)) {}

Pool::~Pool() {
  *alive_ = false;
  for (const auto& pooled : connections_) pooled->connection_.close(away("shutting down"));
}

void Pool::start() {
  away_since_ = reactor_.now();
  while (connections_.size() < target_.uri->min_connections) add_connection();
}

Result<PooledConnection*> Pool::acquire() {
  const auto told = [this](std::chrono::nanoseconds time) {
    if (listeners_.on_wait) listeners_.on_wait(time);
  };
  if (PooledConnection* const pooled = take_least_busy()) {
    told({});
    return pooled;
  }
  const auto began = std::chrono::steady_clock::now();
  Result<PooledConnection*> got = nullptr;
  for (PooledConnection* pooled = nullptr; pooled == nullptr; pooled = take_least_busy(), got = pooled) {
    if (auto waited = wait_for_connection(); !waited) {
      got = waited.error();
      break;
    }
  }
  told(std::chrono::steady_clock::now() - began);
  return got;
}

PooledConnection* Pool::take_least_busy() {
  PooledConnection* const pooled = least_busy();
  if (pooled != nullptr && pooled->connection_.depth() > 0) grow();
  return pooled;
}

PooledConnection* Pool::least_busy() noexcept {
  PooledConnection* best = nullptr;
  for (const auto& pooled : connections_) {
    if (!pooled->is_usable()) continue;
    if (pooled->connection_.depth() == 0) return pooled.get();
    if (best == nullptr || pooled->connection_.depth() < best->connection_.depth()) best = pooled.get();
  }
  return best;
}

void Pool::grow() {
  if (connections_.size() >= target_.uri->max_connections) return;
  const auto connecting =
      std::count_if(connections_.begin(), connections_.end(), [](const auto& pooled) { return !pooled->is_usable(); });
  if (static_cast<std::size_t>(connecting) < target_.uri->max_connecting) add_connection();
}

void Pool::add_connection() {
  connections_.push_back(
      std::make_unique<PooledConnection>(reactor_, threads_, target_, role_, options_, [this] { changed(); }));
  // Threads are not started on a fiber's stack.
  reactor_.post([alive = alive_, pooled = connections_.back().get()] {
    if (*alive) pooled->connection_.open();
  });
}

void Pool::changed() {
  const bool usable =
      std::any_of(connections_.begin(), connections_.end(), [](const auto& pooled) { return pooled->is_usable(); });
  if (usable) {
    if (told_ && listeners_.log) listeners_.log("MongoDB is back");
    told_ = away_ = false;
    std::exchange(opened_, std::make_shared<fiber::Event>())->set();
    return;
  }
  if (!std::exchange(away_, true)) away_since_ = reactor_.now();
  const std::string why = why_none();
  if (why.empty() || std::exchange(told_, true) || !listeners_.log) return;
  listeners_.log("MongoDB is away: " + why);
}

std::string Pool::why_none() const {
  for (const auto& pooled : connections_) {
    if (!pooled->connection_.failure().internal.empty()) return pooled->connection_.failure().internal;
  }
  return {};
}

Result<void> Pool::wait_for_connection() {
  const Milliseconds selection = away_since_ + target_.uri->server_selection_timeout - reactor_.now();
  if (selection <= Milliseconds{0}) return away(why_none());
  if (waiting_ >= kMostWaiting) return Failure(Error::overloaded, "too many requests wait for the store");
  const Milliseconds queue = target_.uri->wait_queue_timeout;
  const fiber::TimeLimit limit(queue > Milliseconds{0} ? std::min(queue, selection) : selection);
  const auto opened = opened_;
  ++waiting_;
  auto waited = opened->wait();
  --waiting_;
  if (!waited && waited.error().error == Error::deadline) return away("no connection in time: " + why_none());
  return waited;
}

void Pool::dismiss(const PooledConnection& pooled, std::string why) {
  if (pooled.dismissed_) return;
  for (const auto& other : connections_) {
    if (!other->is_usable() || other->server_.address != pooled.server_.address) continue;
    other->dismissed_ = true;
  }
  dismissed_why_ = std::move(why);
  dismissed_until_ = reactor_.now() + kLastReplies;
  reactor_.post([this, alive = alive_] {
    if (*alive) retire();
  });
}

void Pool::retire() {
  bool waits = false;
  for (const auto& pooled : connections_) {
    net::Connection<Codec>& connection = pooled->connection_;
    if (!pooled->dismissed_ || connection.state() != net::ConnectionBase::State::open) continue;
    if (connection.depth() > 0 && reactor_.now() < dismissed_until_) {
      waits = true;
    } else {
      connection.abandon(dismissed_why_);
    }
  }
  if (!waits) return;
  if (!retiring_) retiring_ = reactor_.background_timer([this] { retire(); });
  retiring_->arm(reactor_.now() + kRetirePause);
}

Pool::Usage Pool::usage() const noexcept {
  Usage usage{.waiting = waiting_};
  for (const auto& pooled : connections_) {
    if (!pooled->is_usable()) {
      ++usage.connecting;
    } else {
      ++(pooled->connection_.depth() == 0 ? usage.idle : usage.busy);
    }
  }
  return usage;
}

}  // namespace nacre::mongo
