#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace nacre::redis {

/// What a server answered (RESP2). A look at it as another kind than it is finds an empty value, so that an answer that nobody
/// expected is no fault; `kind` tells them apart where it matters.
class Reply {
 public:
  enum class Kind : std::uint8_t { nil, integer, string, error, array };

  Reply() = default;                                               ///< nil
  Reply(std::string&& text) noexcept : value_(std::move(text)) {}  // NOLINT(google-explicit-constructor)
  static Reply integer(std::int64_t value) { return {std::in_place_type<std::int64_t>, value}; }
  static Reply string(std::string text) { return {std::in_place_type<std::string>, std::move(text)}; }
  static Reply error(std::string text) { return {std::in_place_type<ErrorText>, ErrorText{std::move(text)}}; }
  static Reply array(std::vector<Reply> items) { return {std::in_place_type<std::vector<Reply>>, std::move(items)}; }

  Kind kind() const noexcept { return static_cast<Kind>(value_.index()); }
  bool is_nil() const noexcept { return kind() == Kind::nil; }
  bool is_error() const noexcept { return kind() == Kind::error; }

  /// Of an integer; 0 else.
  std::int64_t number() const noexcept;
  /// Of a string (bulk or status) or an error, `ERR …` included.
  const std::string& text() const noexcept;
  std::string take_text() && noexcept;
  /// Of an array.
  const std::vector<Reply>& items() const noexcept;
  std::vector<Reply>& items() noexcept;

  bool operator==(const Reply&) const = default;

 private:
  struct ErrorText {
    std::string text;
    bool operator==(const ErrorText&) const = default;
  };
  using Value = std::variant<std::monostate, std::int64_t, std::string, ErrorText, std::vector<Reply>>;  // as Kind

  template <class Kind, class Part>
  Reply(std::in_place_type_t<Kind> kind, Part&& value) noexcept : value_(kind, std::forward<Part>(value)) {}

  Value value_;
};

}  // namespace nacre::redis
