// A server that speaks MongoDB's protocol and does no work: what a client costs can be measured without a server's share.
//
//   canned_mongo PORT [MILLISECONDS]
//
// It calls itself the primary of the replica set `nacre` (libmongoc shakes hands with it as with any other), answers each
// `find` with one and the same document, and every other command as if it had been done. With MILLISECONDS each find takes that
// long, and those of one connection run one after another, as a real server's do. One thread; it ends with SIGTERM.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

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

struct Connection {
  int socket = -1;
  std::string in, out;
  bool is_blocked = false;  ///< the other side does not read, so `out` waits
  Clock::time_point busy_until;

  explicit Connection(int accepted) : socket(accepted) {}
  Connection(const Connection&) = delete;
  ~Connection() { close(socket); }
};

class Server {
 public:
  Server(int port, std::chrono::milliseconds takes) : replies_(port), takes_(takes), epoll_(epoll_create1(0)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 4096) != 0) {
      std::perror("canned_mongo");
      std::exit(1);
    }
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
  }

  [[noreturn]] void run() {
    epoll_event events[256];
    for (;;) {
      int count = epoll_wait(epoll_, events, 256, milliseconds_to_next());
      for (int i = 0; i < count; ++i) serve(events[i].data.fd, events[i].events);
      send_due();
    }
  }

 private:
  /// A reply that waits for its time; its connection may be gone by then.
  struct Waiting {
    Clock::time_point due;
    uint64_t turn;
    std::weak_ptr<Connection> connection;
    std::string reply;
    bool operator>(const Waiting& other) const { return std::tie(due, turn) > std::tie(other.due, other.turn); }
  };

  void watch(int socket, uint32_t events, int how) {
    epoll_event event{.events = events, .data = {.fd = socket}};
    epoll_ctl(epoll_, how, socket, &event);
  }

  void serve(int socket, uint32_t events) {
    if (socket == listener_) return accept_all();
    auto connection = connections_.at(socket);
    bool good = (events & ~EPOLLOUT) == 0 || read_all(connection);
    if (!good || !flush(*connection)) connections_.erase(socket);
  }

  void accept_all() {
    for (int socket; (socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      int on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connections_[socket] = std::make_shared<Connection>(socket);
      watch(socket, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  /// False when the connection is to be closed: by the other side, or because what it says is not MongoDB's protocol.
  bool read_all(const std::shared_ptr<Connection>& connection) {
    char buffer[1 << 16];
    for (;;) {
      auto size = recv(connection->socket, buffer, sizeof buffer, 0);
      if (size < 0) return errno == EAGAIN;
      if (size == 0) return false;
      connection->in.append(buffer, size);
      if (!answer_all(connection)) return false;
      if (static_cast<size_t>(size) < sizeof buffer) return true;
    }
  }

  bool answer_all(const std::shared_ptr<Connection>& connection) {
    size_t place = 0;
    while (connection->in.size() - place >= kHeader) {
      auto rest = std::string_view(connection->in).substr(place);
      auto size = number_at<uint32_t>(rest, 0);
      if (size < kHeader + 10 || size > 48'000'000) return false;
      if (rest.size() < size) break;
      answer(connection, rest.substr(0, size));
      place += size;
    }
    connection->in.erase(0, place);
    return true;
  }

  void answer(const std::shared_ptr<Connection>& connection, std::string_view message) {
    auto number = number_at<int32_t>(message, 4), kind = number_at<int32_t>(message, 12);
    if (kind == kMessage && (number_at<uint32_t>(message, kHeader) & kMoreToCome) != 0) return;
    auto command = command_in(message, kind);
    if (takes_.count() == 0) return replies_.append(connection->out, command, kind, number);
    std::string reply;
    replies_.append(reply, command, kind, number);
    auto begins = std::max(connection->busy_until, Clock::now());
    connection->busy_until = command == "find" ? begins + takes_ : begins;
    waiting_.push({connection->busy_until, ++turn_, connection, std::move(reply)});
  }

  /// False when the other side is gone.
  bool flush(Connection& connection) {
    auto& out = connection.out;
    if (out.empty()) return true;
    auto size = send(connection.socket, out.data(), out.size(), MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN) return false;
    out.erase(0, std::max<ssize_t>(size, 0));
    if (connection.is_blocked != !out.empty()) {
      connection.is_blocked = !out.empty();
      watch(connection.socket, connection.is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    }
    return true;
  }

  int milliseconds_to_next() const {
    if (waiting_.empty()) return -1;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(waiting_.top().due - Clock::now()).count();
    return static_cast<int>(std::max<int64_t>(left, 0));
  }

  void send_due() {
    auto now = Clock::now();
    for (; !waiting_.empty() && waiting_.top().due <= now; waiting_.pop()) {
      auto connection = waiting_.top().connection.lock();
      if (!connection) continue;
      connection->out += waiting_.top().reply;
      if (!flush(*connection)) connections_.erase(connection->socket);
    }
  }

  Replies replies_;
  std::chrono::milliseconds takes_;
  int epoll_ = -1, listener_ = -1;
  std::unordered_map<int, std::shared_ptr<Connection>> connections_;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  uint64_t turn_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: canned_mongo PORT [MILLISECONDS]\n");
    return 2;
  }
  Server server(std::atoi(arguments[1]), std::chrono::milliseconds(count > 2 ? std::atoi(arguments[2]) : 0));
  server.run();
}
