#include "mongo/servers.h"

namespace nacre::mongo {

Servers::Servers(Reactor& reactor, const Target& target, Role role, Milliseconds call_timeout, const Listeners& listeners)
    : threads_(reactor, target.uri->max_connecting),
      connector_(reactor, threads_, target, role, call_timeout),
      shared_(connector_, listeners),
      pool_(connector_, shared_, listeners) {
  connector_.on_open = [this] { leave_stale(); };
  shared_.on_back = [this] { pool_.retry(); };
}

void Servers::start() {
  shared_.start();
  pool_.start();
}

Result<Checkout> Servers::check_out(Use use) {
  if (use == Use::own) return pool_.check_out();
  const auto connection = shared_.pick();
  if (!connection) return connection.error();
  return Checkout(**connection);
}

Result<std::unique_ptr<ServerConnection>> Servers::connect_to(const std::string& address) {
  auto connection = std::make_unique<ServerConnection>(Connector(connector_, address));
  const auto tried = std::make_shared<fiber::Event>();
  connection->on_change = [tried] { tried->set(); };
  if (auto waited = tried->wait(); !waited) return waited.error();
  if (!connection->is_usable()) return connection->connection().failure();
  return connection;
}

void Servers::dismiss(const ServerConnection& connection, const std::string& why) {
  if (!connection.is_usable() || connector_.target.uri->direct) return;
  const std::string address = connection.server().address;
  shared_.dismiss(address, why);
  pool_.dismiss(address, why);
}

void Servers::leave_stale() {
  const bool shared = shared_.dismiss_stale();
  const bool pooled = pool_.dismiss_stale();
  if ((shared || pooled) && on_stale) on_stale();
}

void Servers::follow(const Choice& choice) {
  shared_.follow(choice);
  pool_.follow(choice);
}

Usage Servers::usage() const noexcept {
  Usage usage = shared_.usage();
  usage += pool_.usage();
  return usage;
}

}  // namespace nacre::mongo
