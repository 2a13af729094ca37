#include "mongo/shared_connections.h"

#include <algorithm>
#include <utility>

#include "mongo/reply.h"

namespace nacre::mongo {
namespace {

constexpr std::size_t kMostShared = 4;  // with more, a server of today answers no faster
constexpr std::size_t kMostWaiting = 4'096;
constexpr const char* kOutdated = "the read preference means another server now";

/// What is told of it.
Outage outage_of(Role role, const Log& log) {
  if (role == Role::primary) return {log, "MongoDB is away", "MongoDB is back"};
  return {log, "MongoDB can't be read from", "MongoDB can be read from again"};
}

}  // namespace

Usage& Usage::operator+=(const Usage& more) noexcept {
  idle += more.idle;
  busy += more.busy;
  connecting += more.connecting;
  waiting += more.waiting;
  return *this;
}

SharedConnections::SharedConnections(const Connector& connector, const Listeners& listeners)
    : connector_(connector), listeners_(listeners), outage_(outage_of(connector.role, listeners.log)) {}

void SharedConnections::start() {
  away_since_ = connector_.reactor.now();
  if (connections_.empty()) grow();
}

Result<ServerConnection*> SharedConnections::pick() {
  const auto told = [this](std::chrono::nanoseconds time) {
    if (listeners_.on_wait) listeners_.on_wait(time);
  };
  ServerConnection* best = least_busy();
  if (best == nullptr) {
    const auto began = std::chrono::steady_clock::now();
    Result<void> waited;
    for (; best == nullptr && waited; best = least_busy()) waited = wait_for_one();
    told(std::chrono::steady_clock::now() - began);
    if (best == nullptr) return waited.error();
  } else {
    told({});
  }
  if (best->connection().depth() == 0) return best;
  grow();
  if (connector_.reactor.now() + best->connection().expected_wait() > fiber::deadline()) {
    return Failure(Error::overloaded, "too many requests wait for the store");
  }
  return best;
}

ServerConnection* SharedConnections::least_busy() noexcept {
  ServerConnection* best = nullptr;
  for (const auto& connection : connections_) {
    if (!connection->is_usable()) continue;
    const auto rank = [](const ServerConnection& one) { return std::pair(one.is_outdated(), one.connection().depth()); };
    if (best == nullptr || rank(*connection) < rank(*best)) best = connection.get();
  }
  return best;
}

void SharedConnections::grow() {
  if (connections_.size() >= kMostShared) return;
  if (!is_opening()) open_one();
}

bool SharedConnections::is_opening() const noexcept {
  return std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) { return !connection->is_usable(); });
}

void SharedConnections::open_one() {
  connections_.push_back(std::make_unique<ServerConnection>(connector_));
  connections_.back()->on_change = [this] { changed(); };
}

void SharedConnections::changed() {
  const bool usable =
      std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) { return connection->is_usable(); });
  if (usable) {
    outage_.back();
    std::exchange(opened_, std::make_shared<fiber::Event>())->set();
    if (std::exchange(away_, false) && on_back) on_back();
    replace_outdated();
    return;
  }
  if (!std::exchange(away_, true)) away_since_ = connector_.reactor.now();
  if (const std::string why = failure().internal; !why.empty()) outage_.lost(why);
}

Failure SharedConnections::failure() const {
  for (const auto& connection : connections_) {
    const Failure& failure = connection->connection().failure();
    if (!failure.internal.empty()) return away(failure.internal);
  }
  return away({});
}

Milliseconds SharedConnections::patience() const noexcept {
  const Milliseconds selection = connector_.target.uri->server_selection_timeout;
  if (!away_) return selection;
  return std::max(away_since_ + selection - connector_.reactor.now(), Milliseconds{0});
}

Result<void> SharedConnections::wait_for_one() {
  if (patience() == Milliseconds{0}) return failure();
  if (waiting_ >= kMostWaiting) return Failure(Error::overloaded, "too many requests wait for the store");
  const Milliseconds queue = connector_.target.uri->wait_queue_timeout;
  const fiber::TimeLimit limit(queue > Milliseconds{0} ? std::min(queue, patience()) : patience());
  const auto opened = opened_;
  ++waiting_;
  auto waited = opened->wait();
  --waiting_;
  if (!waited && waited.error().error == Error::deadline) return away("no connection in time: " + failure().internal);
  return waited;
}

void SharedConnections::follow(const Choice& choice) {
  bool left = false;
  for (const auto& connection : connections_) {
    if (!connection->is_usable() || !choice.leaves(connection->server().address)) continue;
    connection->outdate();
    left = true;
  }
  if (left && choice.wanted.empty()) return leave_outdated();
  if (left) replace_outdated();
}

/// They serve until another is open: one of several, or a second one, is connected anew first.
void SharedConnections::replace_outdated() {
  ServerConnection* const best = least_busy();
  if (best == nullptr) return;
  if (!best->is_outdated()) return leave_outdated();
  if (is_opening()) return;
  if (connections_.size() == 1) return open_one();
  best->leave(kOutdated);
}

void SharedConnections::leave_outdated() {
  for (const auto& connection : connections_) {
    if (connection->is_outdated()) connection->leave(kOutdated);
  }
}

void SharedConnections::dismiss(const std::string& address, const std::string& why) {
  for (const auto& connection : connections_) {
    if (connection->server().address == address) connection->dismiss(why);
  }
}

bool SharedConnections::dismiss_stale() {
  bool any = false;
  for (const auto& connection : connections_) any = connection->dismiss_stale() || any;
  return any;
}

Usage SharedConnections::usage() const noexcept {
  Usage usage{.waiting = waiting_};
  for (const auto& connection : connections_) {
    if (!connection->is_usable()) {
      ++usage.connecting;
    } else {
      ++(connection->connection().depth() == 0 ? usage.idle : usage.busy);
    }
  }
  return usage;
}

}  // namespace nacre::mongo
