#pragma once

#include <hiredis/read.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "redis/reply.h"

namespace nacre::redis {

/// Appends a command as an array of bulk strings. (redisFormatCommandArgv does the same with memory of its own, in four times
/// the time.)
void append_command(std::string& out, std::span<const std::string_view> words);

/// Redis's protocol (RESP2) as a codec of net::Connection: hiredis reads, and builds our replies at once.
class Resp {
 public:
  using Reply = redis::Reply;

  static constexpr std::size_t kMostBytes = 64UL * 1024 * 1024;  ///< of one reply
  static constexpr std::size_t kMostItems = 1UL << 20;           ///< of one reply, at all depths
  static constexpr int kMostDepth = 7;  ///< of arrays in arrays: hiredis 0.14 has that bound, 1.x has none

  Resp();

  void reset();
  /// Adds bytes; false when they are no RESP.
  bool feed(std::span<const char> bytes);
  /// The next whole reply, if there is one. False when the bytes are no RESP, or when a reply is too large.
  bool next(std::optional<Reply>& reply);

  template <class Sink>
  bool take(std::span<const char> bytes, Sink& sink) {
    std::optional<Reply> reply;
    while (!bytes.empty()) {
      if (const auto text = bytes_ == 0 ? take_bulk(bytes) : std::nullopt) {
        sink(std::string(*text));
        continue;
      }
      const auto slice = bytes.first(std::min(bytes.size(), kSlice));
      bytes = bytes.subspan(slice.size());
      if (!feed(slice)) return false;
      for (;;) {
        if (!next(reply)) return false;
        if (!reply) break;
        sink(std::move(*reply));
      }
    }
    return true;
  }

 private:
  static constexpr std::size_t kSlice = 8UL * 1024;  ///< hiredis moves what it has not read yet after each KB that it has

  /// Takes a whole bulk string from the beginning of `bytes`, if there is one: most replies, in one copy. hiredis judges all
  /// that is anything else.
  static std::optional<std::string_view> take_bulk(std::span<const char>& bytes);

  struct Builder;
  struct BuilderDeleter {
    void operator()(Builder* builder) const noexcept;
  };
  struct ReaderDeleter {
    void operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }
  };
  std::unique_ptr<Builder, BuilderDeleter> builder_;
  std::unique_ptr<redisReader, ReaderDeleter> reader_;
  std::size_t bytes_ = 0;  ///< of the reply that is not whole yet
};

}  // namespace nacre::redis
