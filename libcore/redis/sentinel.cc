#include "redis/sentinel.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "redis/handshake.h"

namespace nacre::redis {

namespace {

Failure unavailable(const net::Endpoint& by, std::string_view what) {
  Failure failure(Error::unavailable);
  failure.internal = by.to_string() + ": " + std::string(what);
  return failure;
}

std::optional<net::Endpoint> endpoint_of(std::string_view host, std::string_view port) {
  net::Endpoint endpoint{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size() || host.empty()) return std::nullopt;
  return endpoint;
}

Result<net::Endpoint> ask_for_master(const net::Endpoint& sentinel, const Target& target, const net::Patience& patience) {
  auto socket = handshake(sentinel, {target.sentinel_credentials, 0, target.probe, target.tls}, patience);
  if (!socket) return socket.error();
  auto reply = Talk(*socket, patience).ask({"SENTINEL", "get-master-addr-by-name", target.master});
  if (!reply) return unavailable(sentinel, reply.error().internal);
  if (reply->is_error()) return unavailable(sentinel, reply->text());
  const auto& items = reply->items();
  const auto master = items.size() == 2 ? endpoint_of(items[0].text(), items[1].text()) : std::nullopt;
  if (!master) return unavailable(sentinel, "knows no such master");
  return *master;
}

/// A replica that was promoted a moment ago may not know it yet, and a master that was demoted neither.
Result<net::Socket> handshake_with_master(const net::Endpoint& master, const Target& target, const net::Patience& patience) {
  auto socket = handshake(master, {target.credentials, target.database, target.probe, target.tls}, patience);
  if (!socket) return socket;
  auto role = Talk(*socket, patience).ask({"ROLE"});
  if (!role) return unavailable(master, role.error().internal);
  if (role->is_error()) return unavailable(master, role->text());
  const auto& items = role->items();
  if (items.empty() || items[0].text() != "master") return unavailable(master, "is no master");
  return socket;
}

}  // namespace

void KnownMaster::set(const net::Endpoint& master) {
  const std::lock_guard lock(mutex_);
  master_ = master;
}

bool KnownMaster::is(const net::Endpoint& other) const {
  const std::lock_guard lock(mutex_);
  return master_ == other;
}

net::ConnectionBase::Dial dial_master(std::shared_ptr<const Target> target, std::shared_ptr<KnownMaster> known) {
  return [target = std::move(target), known = std::move(known)](const net::Patience& patience) {
    return first_of<net::Socket>(target->endpoints, patience,
                                 [&](const net::Endpoint& sentinel, const net::Patience& share) -> Result<net::Socket> {
                                   auto master = ask_for_master(sentinel, *target, share);
                                   if (!master) return master.error();
                                   auto socket = handshake_with_master(*master, *target, share);
                                   if (socket) known->set(*master);
                                   return socket;
                                 });
  };
}

net::ConnectionBase::Dial dial_sentinel(std::shared_ptr<const Target> target) {
  return [target = std::move(target)](const net::Patience& patience) {
    return first_of<net::Socket>(target->endpoints, patience, [&](const net::Endpoint& sentinel, const net::Patience& share) {
      return handshake(sentinel, {target->sentinel_credentials, 0, target->probe, target->tls}, share);
    });
  };
}

std::optional<net::Endpoint> switched_master(const Target& target, std::string_view message) {
  std::array<std::string_view, 5> words;
  for (std::string_view& word : words) {
    word = message.substr(0, message.find(' '));
    message.remove_prefix(std::min(word.size() + 1, message.size()));
  }
  return words[0] == target.master ? endpoint_of(words[3], words[4]) : std::nullopt;
}

}  // namespace nacre::redis
