#include "redis/handshake.h"

#include <algorithm>
#include <array>

namespace nacre::redis {

namespace {

Failure refused(const net::Endpoint& by, const std::string& command, const std::string& words) {
  Failure failure(Error::unavailable);
  failure.internal = by.to_string() + ": " + command + ": " + words;
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

bool cannot_serve(std::string_view error) {
  constexpr std::array<std::string_view, 5> kUseless{"NOAUTH", "LOADING", "MASTERDOWN", "DENIED", "READONLY"};
  return std::any_of(kUseless.begin(), kUseless.end(), [&](std::string_view code) { return error.starts_with(code); });
}

/// An error shows as well that the server lives, unless it says that it can't serve; if the server hangs up after it, it tells
/// why.
Result<void> try_to_serve(Talk& talk, const net::Endpoint& to, const std::string& probe) {
  std::string said;
  const auto ask = [&](std::initializer_list<std::string_view> words) -> Result<void> {
    said += *words.begin();
    auto reply = talk.ask(words);
    if (!reply) return refused(to, said, reply.error().internal);
    if (reply->is_error() && cannot_serve(reply->text())) return refused(to, said, reply->text());
    said = reply->is_error() ? said + ": " + reply->text() + "; " : "";
    return {};
  };
  if (auto pinged = ask({"PING"}); !pinged) return pinged;
  // A write that changes nothing: a replica refuses it, and a server that holds up writes, as for a failover, answers nothing.
  return ask({"DEL", probe});
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
  if (auto served = try_to_serve(talk, to, entry.probe); !served) return served.error();
  return socket;
}

net::ConnectionBase::Dial dial_server(std::shared_ptr<const Target> target, const net::Endpoint& server) {
  return [target = std::move(target), server](const net::Patience& patience) {
    return handshake(server, {target->credentials, target->database, target->probe, target->tls}, patience);
  };
}

}  // namespace nacre::redis
