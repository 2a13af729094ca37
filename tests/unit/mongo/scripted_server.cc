#include "mongo/scripted_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "mongo/bson_reader.h"
#include "mongo/message.h"

namespace nacre::mongo {
namespace {

bool receive(int fd, void* to, std::size_t size) {
  return size == 0 || ::recv(fd, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The document of a command, which begins after the flags (and, before OP_MSG, a name and two numbers).
std::string document_in(std::uint32_t opcode, const std::string& body) {
  if (opcode == kOpMsg) return body.substr(5);
  const std::size_t name = body.find('\0', 4);
  return body.substr(name + 1 + 8);
}

}  // namespace

std::string message(std::uint32_t opcode, const std::string& document, std::uint32_t id, std::uint32_t answers) {
  std::string out;
  const std::uint32_t before = opcode == kOpMsg ? 21 : 36;
  append(out, static_cast<std::uint32_t>(before + document.size()));
  append(out, id);
  append(out, answers);
  append(out, opcode);
  append(out, std::uint32_t{0});
  if (opcode == kOpMsg) {
    out += '\0';
  } else {
    append(out, std::uint64_t{0});
    append(out, std::uint32_t{0});
    append(out, std::uint32_t{1});
  }
  return out + document;
}

std::string error_of(std::int32_t code, const std::vector<std::string_view>& labels) {
  return bson_of([&](BsonWriter& bson) {
    bson.real("ok", 0);
    bson.string("errmsg", "as the test says");
    bson.int32("code", code);
    bson.array("errorLabels", [&] {
      for (std::size_t i = 0; i < labels.size(); ++i) bson.string(IndexName(i).view(), labels[i]);
    });
  });
}

ScriptedServer::ScriptedServer(Answers answers, bool replicated) : answers_(std::move(answers)), replicated_(replicated) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener_, 16) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string ScriptedServer::uri(std::string_view options) const {
  return "mongodb://127.0.0.1:" + std::to_string(port_) + "/db?" + (replicated_ ? "replicaSet=rs&" : "") + std::string(options);
}

std::vector<Asked> ScriptedServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void ScriptedServer::accept_all() {
  for (int number = 0; !stopping_; ++number) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    {
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
    }
    threads_.emplace_back([this, fd, number] { serve(fd, number); });
  }
}

void ScriptedServer::serve(int fd, int number) {
  std::array<std::uint32_t, 4> header{};
  while (receive(fd, header.data(), sizeof header)) {
    std::string body(header[0] - sizeof header, '\0');
    if (!receive(fd, body.data(), body.size())) break;
    Asked asked{.name = {}, .document = document_in(header[3], body), .connection = number};
    BsonReader reader(asked.document);
    BsonElement first;
    if (!reader.next(first)) break;
    asked.name = first.name;
    const auto answered = answer(asked);
    if (!answered) break;
    const std::string out = message(header[3] == kOpQuery ? kOpReply : kOpMsg, *answered, 0, header[1]);
    if (::send(fd, out.data(), out.size(), MSG_NOSIGNAL) < 0) break;
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

std::optional<std::string> ScriptedServer::answer(const Asked& asked) {
  if (asked.name == "isMaster" || asked.name == "ismaster" || asked.name == "hello") return hello();
  if (asked.name == "ping" || asked.name == "endSessions") return ok();
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back(asked);
  }
  return answers_(asked);
}

std::string ScriptedServer::hello() const {
  return bson_of([&](BsonWriter& bson) {
    const std::string me = "127.0.0.1:" + std::to_string(port_);
    bson.boolean("ismaster", true);
    bson.boolean("isWritablePrimary", true);
    bson.int32("maxBsonObjectSize", 16777216);
    bson.int32("maxMessageSizeBytes", 48000000);
    bson.int32("maxWriteBatchSize", 100000);
    bson.int32("logicalSessionTimeoutMinutes", 30);
    bson.int32("minWireVersion", 0);
    bson.int32("maxWireVersion", 17);
    if (replicated_) {
      bson.string("setName", "rs");
      bson.int32("setVersion", 1);
      bson.string("me", me);
      bson.string("primary", me);
      bson.array("hosts", [&] { bson.string("0", me); });
    }
    bson.real("ok", 1);
  });
}

}  // namespace nacre::mongo
