#include "redis/handshake.h"

#include <array>

namespace nacre::redis {

namespace {

Failure refused(const net::Endpoint& by, std::string_view command, const std::string& words) {
  Failure failure(Error::unavailable);
  failure.internal = by.to_string() + ": " + std::string(command) + ": " + words;
  return failure;
}

Result<void> enter(Talk& talk, const net::Endpoint& to, const Credentials& credentials) {
  if (credentials.password.empty()) return {};
  auto reply = credentials.user.empty() ? talk.ask({"AUTH", credentials.password})
                                        : talk.ask({"AUTH", credentials.user, credentials.password});
  if (!reply) return refused(to, "AUTH", reply.error().internal);
  if (reply->is_error()) return refused(to, "AUTH", reply->text());
  return {};
}

/// An error shows as well that the server lives, unless it says that it can't serve.
Result<void> try_to_serve(Talk& talk, const net::Endpoint& to, std::initializer_list<std::string_view> words) {
  auto reply = talk.ask(words);
  if (!reply) return refused(to, *words.begin(), reply.error().internal);
  for (const std::string_view useless : {"NOAUTH", "LOADING", "MASTERDOWN", "DENIED", "READONLY"}) {
    if (reply->is_error() && reply->text().starts_with(useless)) return refused(to, *words.begin(), reply->text());
  }
  return {};
}

}  // namespace

Result<Reply> Talk::ask(std::initializer_list<std::string_view> words) {
  std::string out;
  append_command(out, words_of(words));
  if (auto written = net::write_all(socket_, out, patience_); !written) return written.error();
  std::optional<Reply> reply;
  for (std::array<char, 1024> chunk;;) {
    auto read = net::read_some(socket_, chunk, patience_);
    if (!read) return read.error();
    if (!resp_.feed({chunk.data(), *read}) || !resp_.next(reply)) break;
    if (reply) return std::move(*reply);
  }
  Failure failure(Error::unavailable);
  failure.internal = "this is no Redis";
  return failure;
}

Result<net::Socket> handshake(const net::Endpoint& to, const Entry& entry, const net::Patience& patience) {
  auto socket = net::dial(to, entry.tls, patience);
  if (!socket) return socket;
  Talk talk(*socket, patience);
  if (auto entered = enter(talk, to, entry.credentials); !entered) return entered.error();
  if (entry.database != 0) {
    auto selected = talk.ask({"SELECT", std::to_string(entry.database)});
    if (!selected) return refused(to, "SELECT", selected.error().internal);
    if (selected->is_error()) return refused(to, "SELECT", selected->text());
  }
  if (auto served = try_to_serve(talk, to, {"PING"}); !served) return served.error();
  // A write that changes nothing: a replica refuses it, and a server that holds up writes, as for a failover, answers nothing.
  if (auto served = try_to_serve(talk, to, {"DEL", "nacre:handshake"}); !served) return served.error();
  return socket;
}

net::ConnectionBase::Dial dial_server(std::shared_ptr<const Target> target, const net::Endpoint& server) {
  return [target = std::move(target), server](const net::Patience& patience) {
    return handshake(server, {target->credentials, target->database, target->tls}, patience);
  };
}

}  // namespace nacre::redis
