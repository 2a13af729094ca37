#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/time.h"
#include "mongo/bson_writer.h"

namespace nacre::mongo {

/// One element of a document. What it refers to are the document's bytes. An accessor is called only for its type.
struct BsonElement {
  BsonType type = BsonType::null;
  std::string_view name;
  std::string_view value;  ///< the bytes after the name

  bool is_integer() const noexcept { return type == BsonType::int32 || type == BsonType::int64; }
  bool is_number() const noexcept { return is_integer() || type == BsonType::real; }
  bool is_document() const noexcept { return type == BsonType::document || type == BsonType::array; }
  bool is_text() const noexcept { return type == BsonType::string || type == BsonType::symbol || type == BsonType::code; }

  std::int64_t integer() const noexcept {
    return type == BsonType::int32 ? std::int64_t{fixed<std::int32_t>()} : fixed<std::int64_t>();
  }
  double real() const noexcept { return type == BsonType::real ? fixed<double>() : static_cast<double>(integer()); }
  /// A number without its fraction, as another program may have sent it; nullopt when T can't hold it.
  template <class T>
  std::optional<T> whole() const noexcept {
    if (is_integer()) return std::in_range<T>(integer()) ? std::optional(static_cast<T>(integer())) : std::nullopt;
    const double end = std::ldexp(1.0, std::numeric_limits<T>::digits);
    const double number = real();
    return number < end && number > (std::is_signed_v<T> ? -end : -1.0) ? std::optional(static_cast<T>(number)) : std::nullopt;
  }
  bool boolean() const noexcept { return value[0] != '\0'; }
  std::string_view text() const noexcept { return value.substr(4, value.size() - 5); }
  Timestamp date() const noexcept { return Timestamp{Milliseconds{fixed<std::int64_t>()}}; }
  std::uint64_t timestamp() const noexcept { return fixed<std::uint64_t>(); }
  std::string_view document() const noexcept { return value; }

  /// A number of any type that is not zero, or true: what `ok` holds.
  bool is_true() const noexcept {
    if (type == BsonType::boolean) return boolean();
    return is_number() && real() != 0;
  }

 private:
  template <class T>
  T fixed() const noexcept {
    T result;
    std::memcpy(&result, value.data(), sizeof result);
    return result;
  }
};

/// Walks the elements of a document, without trust in its bytes: nothing outside of them is read, and names and values are as
/// long as they say.
class BsonReader {
 public:
  /// `document`: the whole of it, its length included.
  explicit BsonReader(std::string_view document) noexcept;

  /// The next element; false at the end, and when the bytes are no BSON.
  bool next(BsonElement& element) noexcept;
  bool failed() const noexcept { return failed_; }

 private:
  bool fail() noexcept {
    rest_ = {};
    failed_ = true;
    return false;
  }

  std::string_view rest_;
  bool failed_ = false;
};

/// The element at a dotted path, documents alone on the way; nullopt when there is none.
std::optional<BsonElement> find(std::string_view document, std::string_view path) noexcept;

/// Whether the document and all that is in it are well-formed, and nested no deeper than MongoDB allows.
bool is_valid(std::string_view document) noexcept;

/// How deep documents may nest (MongoDB's limit is 100; what it sends wraps them).
inline constexpr int kMaxBsonDepth = 128;

}  // namespace nacre::mongo
