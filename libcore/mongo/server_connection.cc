#include "mongo/server_connection.h"

#include "mongo/reply.h"

namespace nacre::mongo {
namespace {

/// What is under way at a server that lost its role ends there: a second try beside a first that still runs may meet it.
constexpr Milliseconds kLastReplies{200};
constexpr Milliseconds kRetirePause{5};
constexpr Milliseconds kLongestCommand{3'600'000};  // the silence of its peer ends a connection long before
constexpr Milliseconds kSlack{1'000};

Target only(Target target, const std::string& address) {
  target.only = address;
  return target;
}

/// A reply is due within the time that a command may take, of which the server is told as well (`maxTimeMS`), and a little.
net::ConnectionOptions options_for(const Uri& uri, Milliseconds call_timeout) {
  const Milliseconds silence = uri.socket_timeout > Milliseconds{0} ? uri.socket_timeout : call_timeout + kSlack;
  return {.connect_timeout = 2 * uri.connect_timeout + kSlack, .silence = silence};
}

}  // namespace

Connector::Connector(Reactor& loop, net::Threads& dialling, Target to, Role wanted, Milliseconds call_timeout)
    : reactor(loop), threads(dialling), target(std::move(to)), role(wanted), options(options_for(*target.uri, call_timeout)) {}

Connector::Connector(const Connector& other, const std::string& address)
    : reactor(other.reactor),
      threads(other.threads),
      target(only(other.target, address)),
      role(other.role),
      options(other.options) {}

ServerConnection::ServerConnection(const Connector& connector)
    : reactor_(connector.reactor),
      members_(connector.target.members),
      on_open_(connector.on_open),
      connection_(
          connector.reactor, connector.threads,
          [target = connector.target, role = connector.role,
           handover = handover_](const net::Patience& patience) -> Result<net::Socket> {
            auto opened = handshake(target, role, patience);
            if (!opened) return opened.error();
            const std::lock_guard lock(handover->mutex);
            handover->server = std::move(opened->server);
            return std::move(opened->socket);
          },
          connector.options, Codec(sequence_)) {
  connection_.on_change = [this] { changed(); };
  connection_.on_quiet = [this] {
    if (on_quiet) on_quiet();
  };
  reactor_.post(opening_);
}

ServerConnection::~ServerConnection() { connection_.close(away("shutting down")); }

void ServerConnection::changed() {
  if (connection_.state() == net::ConnectionBase::State::open) {
    const std::lock_guard lock(handover_->mutex);
    server_ = handover_->server;
    dismissed_ = outdated_ = false;
  }
  if (on_change) on_change();
  if (is_usable() && on_open_) on_open_();
}

void ServerConnection::dismiss(const std::string& why) { dismiss(why, kLastReplies); }

void ServerConnection::leave(const std::string& why) { dismiss(why, kLongestCommand); }

void ServerConnection::dismiss(const std::string& why, Milliseconds patience) {
  if (!is_usable()) return;
  dismissed_ = true;
  dismissed_why_ = why;
  dismissed_until_ = reactor_.now() + patience;
  if (!retiring_) retiring_ = reactor_.background_timer([this] { retire(); });
  retiring_->arm(reactor_.now());
}

bool ServerConnection::dismiss_stale() {
  if (!is_usable() || !server_.election || !members_->is_stale(*server_.election)) return false;
  dismiss("another primary was elected");
  return true;
}

void ServerConnection::retire() {
  if (!dismissed_ || connection_.state() != net::ConnectionBase::State::open) return;
  if (connection_.depth() == 0 || reactor_.now() >= dismissed_until_) return connection_.abandon(dismissed_why_);
  retiring_->arm(reactor_.now() + kRetirePause);
}

}  // namespace nacre::mongo
