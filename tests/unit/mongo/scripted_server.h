#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mongo/bson_writer.h"

namespace nacre::mongo {

/// A message of one document, as a server sends it, or (but for OP_QUERY) a client.
std::string message(std::uint32_t opcode, const std::string& document, std::uint32_t id, std::uint32_t answers);

/// A command as it came.
struct Asked {
  std::string name;      ///< of the command
  std::string document;  ///< BSON
  int connection = 0;    ///< by the order in which they were opened
};

/// A server that speaks just enough for a handshake, and then answers as a test says. Every connection has a thread.
class ScriptedServer {
 public:
  /// What is answered to a command, on a thread; nullopt cuts the connection.
  using Answers = std::function<std::optional<std::string>(const Asked&)>;

  /// `replicated`: it calls itself the primary of a replica set.
  explicit ScriptedServer(Answers answers, bool replicated = true);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string uri(std::string_view options = {}) const;
  /// Commands that were asked, those of the handshake left out.
  std::vector<Asked> asked() const;

 private:
  void accept_all();
  void serve(int fd, int number);
  std::optional<std::string> answer(const Asked& asked);
  std::string hello() const;

  const Answers answers_;
  const bool replicated_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::list<std::thread> threads_;
  std::thread accepting_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Asked> asked_;
  std::vector<int> open_;
};

/// A BSON document whose elements `body(BsonWriter&)` writes.
template <class Body>
std::string bson_of(Body&& body) {
  std::string out;
  BsonWriter bson(out);
  bson.document([&] { body(bson); });
  return out;
}

inline std::string ok() {
  return bson_of([](BsonWriter& bson) { bson.real("ok", 1); });
}

/// An error with labels.
std::string error_of(std::int32_t code, const std::vector<std::string_view>& labels = {});

}  // namespace nacre::mongo
