#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nacre::mongo {

/// Lets through what libmongoc may read from a server: whole messages that answer what was asked, by the same kind of message,
/// whose one document is well-formed and has texts where libmongoc looks for texts. It trusts what it gets, and over anything
/// else ends the process, or worse.
class MessageFilter {
 public:
  /// `message` is sent: OP_QUERY is answered by OP_REPLY, OP_MSG by itself. What came before answers nothing.
  void asked(std::string_view message) noexcept;
  /// Bytes that came. False when they are none of such a message: the connection is of no use.
  bool add(std::string_view bytes);

  bool has_some() const noexcept { return taken_ < checked_; }
  /// Moves as much of what was let through as there is, and room for it; returns how much.
  std::size_t take(std::span<char> to) noexcept;

 private:
  std::uint32_t id_ = 0;
  std::uint32_t expected_ = 0;  // opcode
  std::string bytes_;
  std::size_t checked_ = 0;  // of `bytes_`
  std::size_t taken_ = 0;
};

}  // namespace nacre::mongo
