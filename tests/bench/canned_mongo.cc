// A server that speaks MongoDB's protocol and does no work: what a client costs can be measured without a server's share.
//
//   canned_mongo PORT [COMMAND=MILLISECONDS...]
//
// It calls itself the primary of the replica set `nacre` (libmongoc shakes hands with it as with any other), answers each
// `find` with one and the same document, and every other command as if it had been done. A named command takes that long, of
// which `list` is a `find` without `singleBatch`; where `maxTimeMS` is less, it fails then. As with a real server, each
// connection has a thread, on which its commands are worked on one after another. It ends with SIGTERM.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace {

static_assert(std::endian::native == std::endian::little, "BSON is little-endian");

template <typename Number>
std::string raw(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

template <typename Number>
Number number_at(std::string_view data, size_t place) {
  Number number;
  std::memcpy(&number, data.data() + place, sizeof number);
  return number;
}

/// A BSON document in the making (https://bsonspec.org/spec.html).
class Document {
 public:
  Document& text(std::string_view name, std::string_view value) {
    return element(2, name, raw<int32_t>(value.size() + 1) + std::string(value) + '\0');
  }
  Document& document(std::string_view name, const Document& value) { return element(3, name, value.encoded()); }
  Document& array(std::string_view name, const Document& value) { return element(4, name, value.encoded()); }
  Document& boolean(std::string_view name, bool value) { return element(8, name, raw<uint8_t>(value)); }
  Document& date(std::string_view name, int64_t milliseconds) { return element(9, name, raw(milliseconds)); }
  Document& null(std::string_view name) { return element(10, name, ""); }
  Document& int32(std::string_view name, int32_t value) { return element(16, name, raw(value)); }
  Document& int64(std::string_view name, int64_t value) { return element(18, name, raw(value)); }
  /// What a command that succeeded ends with.
  Document& ok() { return element(1, "ok", raw(1.0)); }

  Document& failed() { return element(1, "ok", raw(0.0)); }

  std::string encoded() const { return raw<int32_t>(elements_.size() + 5) + elements_ + '\0'; }

 private:
  Document& element(char type, std::string_view name, const std::string& value) {
    ((elements_ += type).append(name) += '\0') += value;
    return *this;
  }

  std::string elements_;
};

Document note() {
  auto tags = Document().text("0", "bench").text("1", "canned");
  Document note;
  note.text("_id", "one")
      .int64("_rev", 1)
      .date("_created", 1'790'000'000'000)
      .date("_updated", 1'790'000'000'000)
      .null("_owner");
  return note.text("title", "A note of the usual length")
      .text("body", std::string(80, 'x'))
      .array("tags", tags)
      .int32("stars", 3);
}

Document cursor(const Document& batch) {
  auto cursor = Document().array("firstBatch", batch).int64("id", 0).text("ns", "nacre.notes");
  return Document().document("cursor", cursor).ok();
}

Document hello(int port) {
  auto self = "127.0.0.1:" + std::to_string(port);
  Document hello;
  hello.boolean("ismaster", true).boolean("isWritablePrimary", true).boolean("secondary", false).boolean("helloOk", true);
  hello.text("setName", "nacre").int32("setVersion", 1).array("hosts", Document().text("0", self)).text("primary", self);
  hello.text("me", self).int32("maxBsonObjectSize", 16 << 20).int32("maxMessageSizeBytes", 48'000'000);
  hello.int32("maxWriteBatchSize", 100'000).int32("logicalSessionTimeoutMinutes", 30).int32("minWireVersion", 0);
  return hello.int32("maxWireVersion", 17).boolean("readOnly", false).ok();
}

constexpr size_t kHeader = 16;
constexpr int32_t kReply = 1, kQuery = 2004, kMessage = 2013;
constexpr uint32_t kMoreToCome = 2;

/// The place of the command's document in a message. Sections of kind 1, which hold a write's documents, may come before it.
size_t place_of_command(std::string_view message, int32_t kind) {
  if (kind == kQuery) return message.find('\0', kHeader + 4) + 1 + 8;
  size_t place = kHeader + 4;
  while (message[place] == 1) place += 1 + number_at<int32_t>(message, place + 1);
  return place + 1;
}

/// The name of the document's first element.
std::string_view command_in(std::string_view message, int32_t kind) {
  return message.data() + place_of_command(message, kind) + 5;
}

/// What `maxTimeMS` says, or very long.
std::chrono::milliseconds max_time(std::string_view message) {
  static constexpr std::string_view kElement("\x12maxTimeMS\0", 11);
  auto place = message.find(kElement);
  if (place == std::string_view::npos) return std::chrono::hours(24);
  return std::chrono::milliseconds(number_at<int64_t>(message, place + kElement.size()));
}

/// A whole message, but for the number of the request that it answers.
std::string envelope(int32_t kind, const Document& reply) {
  auto document = reply.encoded();
  auto prefix = kind == kQuery ? raw<int32_t>(8) + raw<int64_t>(0) + raw<int32_t>(0) + raw<int32_t>(1) : std::string(5, '\0');
  auto size = static_cast<int32_t>(kHeader + prefix.size() + document.size());
  return raw(size) + raw<int32_t>(1) + raw<int32_t>(0) + raw(kind == kQuery ? kReply : kMessage) + prefix + document;
}

/// The reply to each command.
class Replies {
 public:
  explicit Replies(int port) {
    for (auto name : {"hello", "isMaster", "ismaster"}) add(name, hello(port));
    for (auto name : {"aggregate", "listCollections", "listIndexes"}) add(name, cursor(Document()));
    for (auto name : {"insert", "update", "delete"}) add(name, Document().int32("n", 1).ok());
    add("find", cursor(Document().document("0", note())));
    add("too late", Document().text("errmsg", "operation exceeded time limit").int32("code", 50).failed());
    add("buildInfo", Document().text("version", "7.0.0").ok());
    add("", Document().ok());
  }

  void append(std::string& out, std::string_view command, int32_t kind, int32_t answers) const {
    auto found = replies_.find(command);
    const auto& [message, legacy] = found == replies_.end() ? replies_.find("")->second : found->second;
    const auto& reply = kind == kQuery ? legacy : message;
    out += reply;
    std::memcpy(out.data() + out.size() - reply.size() + 8, &answers, sizeof answers);
  }

 private:
  void add(std::string_view name, const Document& reply) {
    replies_[std::string(name)] = {envelope(kMessage, reply), envelope(kQuery, reply)};
  }

  std::map<std::string, std::pair<std::string, std::string>, std::less<>> replies_;
};

/// How long commands take: a command's name, or `list` for a find that may answer several documents.
using Latencies = std::map<std::string, std::chrono::milliseconds, std::less<>>;

/// One connection, served by a thread until the other side closes it or says what is not MongoDB's protocol.
class Connection {
 public:
  Connection(int socket, const Replies& replies, const Latencies& latencies)
      : socket_(socket), replies_(replies), latencies_(latencies) {}
  Connection(const Connection&) = delete;
  ~Connection() { close(socket_); }

  void serve() {
    char buffer[1 << 16];
    for (ssize_t size; (size = recv(socket_, buffer, sizeof buffer, 0)) > 0;) {
      in_.append(buffer, size);
      if (!answer_all() || !flush()) return;
    }
  }

 private:
  bool answer_all() {
    size_t place = 0;
    while (in_.size() - place >= kHeader) {
      auto rest = std::string_view(in_).substr(place);
      auto size = number_at<uint32_t>(rest, 0);
      if (size < kHeader + 10 || size > 48'000'000) return false;
      if (rest.size() < size) break;
      if (!answer(rest.substr(0, size))) return false;
      place += size;
    }
    in_.erase(0, place);
    return true;
  }

  /// False when the other side is gone.
  bool answer(std::string_view message) {
    auto number = number_at<int32_t>(message, 4), kind = number_at<int32_t>(message, 12);
    if (kind == kMessage && (number_at<uint32_t>(message, kHeader) & kMoreToCome) != 0) return true;
    auto command = command_in(message, kind);
    auto name = command == "find" && message.find("singleBatch") == std::string_view::npos ? "list" : command;
    auto latency = latencies_.find(name);
    if (latency != latencies_.end()) {
      if (!flush()) return false;
      auto most = max_time(message);
      std::this_thread::sleep_for(std::min(latency->second, most));
      if (most < latency->second) command = "too late";
    }
    replies_.append(out_, command, kind, number);
    return true;
  }

  bool flush() {
    for (std::string_view rest = out_; !rest.empty();) {
      auto size = send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      rest.remove_prefix(size);
    }
    out_.clear();
    return true;
  }

  int socket_;
  const Replies& replies_;
  const Latencies& latencies_;
  std::string in_, out_;
};

[[noreturn]] void serve(int port, const Latencies& latencies) {
  const Replies replies(port);
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 4096) != 0) {
    std::perror("canned_mongo");
    std::exit(1);
  }
  for (;;) {
    int socket = accept(listener, nullptr, nullptr);
    if (socket < 0) continue;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread([&, socket] { Connection(socket, replies, latencies).serve(); }).detach();
  }
}

}  // namespace

int main(int count, char** arguments) {
  Latencies latencies;
  bool good = count >= 2;
  for (int i = 2; i < count; ++i) {
    std::string_view argument = arguments[i];
    auto equals = argument.find('=');
    good = good && equals != std::string_view::npos;
    if (good)
      latencies[std::string(argument.substr(0, equals))] = std::chrono::milliseconds(std::atoi(arguments[i] + equals + 1));
  }
  if (!good) {
    std::fprintf(stderr, "usage: canned_mongo PORT [COMMAND=MILLISECONDS...]\n");
    return 2;
  }
  serve(std::atoi(arguments[1]), latencies);
}
