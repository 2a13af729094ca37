#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/time.h"

namespace nacre::mongo {

/// The bytes of an ObjectId.
using ObjectId = std::array<char, 12>;

/// The types of BSON's elements (bsonspec.org 1.1).
enum class BsonType : std::uint8_t {
  real = 0x01,
  string = 0x02,
  document = 0x03,
  array = 0x04,
  binary = 0x05,
  undefined = 0x06,
  object_id = 0x07,
  boolean = 0x08,
  date = 0x09,
  null = 0x0A,
  regex = 0x0B,
  db_pointer = 0x0C,
  code = 0x0D,
  symbol = 0x0E,
  code_with_scope = 0x0F,
  int32 = 0x10,
  timestamp = 0x11,
  int64 = 0x12,
  decimal128 = 0x13,
  max_key = 0x7F,
  min_key = 0xFF,
};

static_assert(std::endian::native == std::endian::little, "BSON is written as memory has it");

/// The text of an array's index, which is an element's name in BSON.
class IndexName {
 public:
  explicit IndexName(std::size_t index) noexcept
      : length_(static_cast<std::size_t>(std::to_chars(text_.data(), text_.data() + text_.size(), index).ptr - text_.data())) {}
  std::string_view view() const noexcept { return {text_.data(), length_}; }

 private:
  std::array<char, 20> text_;
  std::size_t length_;
};

/// Appends BSON to a string, straight into a connection's output. Names hold no NUL: they are ours, or were checked.
///
/// libbson would build each command in memory of its own, which is then copied.
class BsonWriter {
 public:
  explicit BsonWriter(std::string& out) noexcept : out_(out) {}

  /// A whole document; `body` writes its elements.
  template <class Body>
  void document(Body&& body) {
    const std::size_t start = begin();
    body();
    end(start);
  }
  template <class Body>
  void document(std::string_view name, Body&& body) {
    element(BsonType::document, name);
    document(std::forward<Body>(body));
  }
  /// `body` names the elements by their places: "0", "1", …
  template <class Body>
  void array(std::string_view name, Body&& body) {
    element(BsonType::array, name);
    document(std::forward<Body>(body));
  }

  void string(std::string_view name, std::string_view text) {
    element(BsonType::string, name);
    fixed(static_cast<std::int32_t>(text.size() + 1));
    out_.append(text).push_back('\0');
  }
  void int32(std::string_view name, std::int32_t value) { element(BsonType::int32, name), fixed(value); }
  void int64(std::string_view name, std::int64_t value) { element(BsonType::int64, name), fixed(value); }
  void real(std::string_view name, double value) { element(BsonType::real, name), fixed(value); }
  void boolean(std::string_view name, bool value) {
    element(BsonType::boolean, name);
    out_ += value ? '\1' : '\0';
  }
  void null(std::string_view name) { element(BsonType::null, name); }
  void date(std::string_view name, Timestamp moment) {
    element(BsonType::date, name);
    fixed(std::int64_t{moment.time_since_epoch().count()});
  }
  void object_id(std::string_view name, const ObjectId& id) {
    element(BsonType::object_id, name);
    out_.append(id.data(), id.size());
  }
  void uuid(std::string_view name, const std::array<char, 16>& bytes) {
    element(BsonType::binary, name);
    fixed(static_cast<std::int32_t>(bytes.size()));
    out_ += '\4';
    out_.append(bytes.data(), bytes.size());
  }
  /// A document or an array that is BSON already.
  void raw(std::string_view name, std::string_view bson, BsonType type = BsonType::document) {
    element(type, name);
    out_ += bson;
  }

  /// The same as `document`, in two steps.
  std::size_t begin() {
    const std::size_t start = out_.size();
    fixed(std::int32_t{0});
    return start;
  }
  void end(std::size_t start) {
    out_ += '\0';
    const auto length = static_cast<std::int32_t>(out_.size() - start);
    std::memcpy(out_.data() + start, &length, sizeof length);
  }

  std::string& out() noexcept { return out_; }

 private:
  void element(BsonType type, std::string_view name) {
    out_ += static_cast<char>(type);
    out_.append(name).push_back('\0');
  }
  template <class T>
  void fixed(T value) {
    std::array<char, sizeof value> bytes;
    std::memcpy(bytes.data(), &value, sizeof value);
    out_.append(bytes.data(), bytes.size());
  }

  std::string& out_;
};

}  // namespace nacre::mongo
