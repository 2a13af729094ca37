#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "mongo/bson_writer.h"

/// MongoDB's wire protocol: OP_MSG, the only form of commands and replies since MongoDB 3.6.
/// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
namespace nacre::mongo {

/// The most that a message may hold: the server's maxMessageSizeBytes, which is the same in all versions.
inline constexpr std::size_t kMaxMessage = 48'000'000;

inline constexpr std::uint32_t kOpReply = 1;  // this and the next in a handshake alone
inline constexpr std::uint32_t kOpQuery = 2004;
inline constexpr std::uint32_t kOpMsg = 2013;

/// A number of a header.
inline std::uint32_t word_at(const char* bytes) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// Which commands went out on a connection and which replies came: they come in the order of the commands.
struct Sequence {
  std::uint32_t sent = 0;
  std::uint32_t heard = 0;
};

/// Appends one command. `body(BsonWriter&)` writes the elements of its document, the command's name first.
template <class Body>
void append_command(std::string& out, Sequence& sequence, Body&& body) {
  const std::size_t start = out.size();
  const std::array<std::uint32_t, 5> header{0, ++sequence.sent, 0, kOpMsg, 0};  // length, id, answers, opcode, flags
  out.append(reinterpret_cast<const char*>(header.data()), sizeof header).push_back('\0');
  BsonWriter bson(out);
  const std::size_t document = bson.begin();
  body(bson);
  bson.end(document);
  const auto length = static_cast<std::uint32_t>(out.size() - start);
  std::memcpy(out.data() + start, &length, sizeof length);
}

/// A whole reply, in memory of its own.
class Reply {
 public:
  Reply() = default;
  /// The document that a message holds; the message was checked.
  Reply(std::unique_ptr<char[]> message, std::size_t begin, std::size_t size) noexcept
      : message_(std::move(message)), begin_(begin), size_(size) {}

  std::string_view document() const noexcept { return {message_.get() + begin_, size_}; }

 private:
  std::unique_ptr<char[]> message_;  // NOLINT(*-avoid-c-arrays): one allocation, not initialized
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

/// Cuts what a connection receives into replies (net/connection.h). A message is copied once, to where it stays.
class Codec {
 public:
  using Reply = mongo::Reply;

  explicit Codec(std::shared_ptr<Sequence> sequence) noexcept : sequence_(std::move(sequence)) {}

  void reset() noexcept {
    have_ = 0;
    message_.reset();
    sequence_->heard = sequence_->sent;
  }

  /// False for what is no reply to the next command: another opcode or id, flags that ask for what is not spoken here
  /// (moreToCome, unknown required ones), a wrong length.
  template <class Sink>
  bool take(std::span<const char> bytes, Sink&& sink) {
    while (!bytes.empty()) {
      if (!gather(bytes)) return false;
      if (!message_ || have_ < length_) continue;
      auto reply = finish();
      if (!reply.first) return false;
      sink(std::move(reply.second));
    }
    return true;
  }

 private:
  static constexpr std::size_t kHeader = 16;

  /// Takes from `bytes` what the message lacks.
  bool gather(std::span<const char>& bytes);
  bool begin_message();
  std::pair<bool, Reply> finish();

  std::shared_ptr<Sequence> sequence_;
  std::array<char, kHeader> header_{};
  std::size_t have_ = 0;
  std::size_t length_ = 0;
  std::unique_ptr<char[]> message_;  // NOLINT(*-avoid-c-arrays)
};

}  // namespace nacre::mongo
