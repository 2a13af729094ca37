#include "json/parse.h"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "json/pointer.h"
#include "json/utf8.h"

namespace nacre {
namespace {

using boost::json::error_code;
using Text = boost::json::string_view;

/// Why the builder stopped the parser; everything else is the parser's own error.
enum class Flaw : std::uint8_t { none, duplicate_name, integer_range, number_range, too_large };

template <class Object>
auto& last(Object& object) {
  return *(object.end() - 1);
}

/// What an allocation takes from the heap.
constexpr std::size_t chunk(std::size_t bytes) {
  constexpr std::size_t kLeast = 32;
  return std::max(kLeast, (bytes + 8 + 15) / 16 * 16);
}

constexpr std::size_t kTableHeader = 16;
constexpr std::size_t kBucket = 4;            // for each member of an object that hashes its names
constexpr std::size_t kMostWithoutHash = 18;  // members
constexpr std::size_t kTextWithinValue = 14;  // bytes of a string that takes no memory of its own

std::size_t bytes_of_array(std::size_t capacity) { return capacity == 0 ? 0 : chunk(kTableHeader + capacity * sizeof(Json)); }

std::size_t bytes_of_object(std::size_t capacity) {
  const std::size_t member = sizeof(JsonObject::value_type) + (capacity > kMostWithoutHash ? kBucket : 0);
  return capacity == 0 ? 0 : chunk(kTableHeader + capacity * member);
}

std::size_t bytes_of_string(std::size_t size) { return size <= kTextWithinValue ? 0 : chunk(kTableHeader + size); }

/// Takes the parser's events and grows the value in place. The value under construction is always the last one of its
/// container, so open containers stay where they are, and the way down to the last value is the place where the parser is.
class Builder {
 public:
  // NOLINTBEGIN(readability-identifier-naming): basic_parser asks for these names.
  static constexpr std::size_t max_object_size = JsonObject::max_size();
  static constexpr std::size_t max_array_size = JsonArray::max_size();
  static constexpr std::size_t max_key_size = boost::json::string::max_size();
  static constexpr std::size_t max_string_size = boost::json::string::max_size();
  // NOLINTEND(readability-identifier-naming)

  explicit Builder(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  Json take() { return std::move(root_); }
  Flaw refusal() const { return refusal_; }
  const std::string& name() const { return part_; }

  /// Where the value goes that was refused.
  std::string pointer() const {
    std::string pointer;
    for (std::size_t i = 0; i < depth_; ++i) {
      if (const auto* array = open_[i]->if_array()) {
        const bool in_place = i + 1 < depth_;
        append_pointer_token(pointer, array->size() - (in_place ? 1 : 0));
      } else if (const auto& object = open_[i]->get_object(); !object.empty()) {
        append_pointer_token(pointer, last(object).key());
      }
    }
    return pointer;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code& ec) {
    Json* const value = place(ec);
    if (value == nullptr) return false;
    value->emplace_object();
    open_[depth_++] = value;
    return true;
  }
  bool on_object_end(std::size_t, error_code&) { return close(); }

  bool on_array_begin(error_code& ec) {
    Json* const value = place(ec);
    if (value == nullptr) return false;
    value->emplace_array();
    open_[depth_++] = value;
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return close(); }

  bool on_key_part(Text part, std::size_t, error_code&) { return gather(part); }
  bool on_key(Text end, std::size_t, error_code& ec) {
    const Text name = whole(end);
    if (!make_room(open_[depth_ - 1]->get_object(), name.size(), ec)) return false;
    const bool fresh = open_[depth_ - 1]->get_object().emplace(name, nullptr).second;
    if (!fresh) {
      part_.assign(name.data(), name.size());
      return refuse(Flaw::duplicate_name, ec);
    }
    part_.clear();
    return true;
  }

  bool on_string_part(Text part, std::size_t, error_code&) { return gather(part); }
  bool on_string(Text end, std::size_t, error_code& ec) {
    Json* const value = place(ec);
    const Text text = whole(end);
    if (value == nullptr || !charge(bytes_of_string(text.size()), ec)) return false;
    value->emplace_string().assign(text);
    part_.clear();
    return true;
  }

  bool on_number_part(Text, error_code&) { return true; }
  bool on_int64(std::int64_t number, Text, error_code& ec) { return put(number, ec); }
  bool on_uint64(std::uint64_t number, Text, error_code& ec) {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return refuse(Flaw::integer_range, ec);
    return put(static_cast<std::int64_t>(number), ec);
  }
  /// The parser's own conversion may be off in the last place; the text is converted again, exactly.
  bool on_double(double rough, Text text, error_code& ec) {
    if (text.find_first_of(".eE") == Text::npos) return refuse(Flaw::integer_range, ec);
    double number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec == std::errc::result_out_of_range) {
      if (std::abs(rough) >= 1) return refuse(Flaw::number_range, ec);
      number = std::copysign(0.0, rough);
    }
    if (!std::isfinite(number)) return refuse(Flaw::number_range, ec);
    return put(number, ec);
  }

  bool on_bool(bool value, error_code& ec) { return put(value, ec); }
  bool on_null(error_code& ec) { return put(nullptr, ec); }
  bool on_comment_part(Text, error_code&) { return true; }
  bool on_comment(Text, error_code&) { return true; }

 private:
  // An object's room for the first member, for a few, and for as many as most have: below the size where Boost.JSON begins to
  // hash, growing step by step costs more than the room, but millions of small objects must not take that of larger ones.
  static constexpr std::size_t kFewMembers = 4;
  static constexpr std::size_t kUsualMembers = 12;

  static std::size_t next_room(std::size_t room) {
    if (room >= kUsualMembers) return room + room / 2;
    return room == 0 ? 1 : room < kFewMembers ? kFewMembers : kUsualMembers;
  }

  /// Where the next value goes; the name of a member is there already. nullptr when there is no memory for it.
  Json* place(error_code& ec) {
    if (depth_ == 0) return &root_;
    Json& parent = *open_[depth_ - 1];
    auto* array = parent.if_array();
    if (array == nullptr) return &last(parent.get_object()).value();
    const std::size_t room = array->capacity();
    if (array->size() == room) {
      const std::size_t next = std::max(room + 1, room + room / 2);
      if (!charge(bytes_of_array(next), ec)) return nullptr;
      array->reserve(next);
      bytes_ -= bytes_of_array(room);
    }
    return &array->emplace_back(nullptr);
  }

  /// Room for one more member with a name of this length.
  bool make_room(JsonObject& object, std::size_t name, error_code& ec) {
    const std::size_t room = object.capacity();
    if (object.size() == room) {
      const std::size_t next = next_room(room);
      if (!charge(bytes_of_object(next), ec)) return false;
      object.reserve(next);
      bytes_ -= bytes_of_object(room);
    }
    return charge(chunk(name + 1), ec);
  }

  template <class Value>
  bool put(Value value, error_code& ec) {
    Json* const where = place(ec);
    if (where == nullptr) return false;
    *where = value;
    return true;
  }

  /// Counts what is about to be allocated.
  bool charge(std::size_t bytes, error_code& ec) {
    bytes_ += bytes;
    return bytes_ <= most_bytes_ || refuse(Flaw::too_large, ec);
  }

  bool close() {
    --depth_;
    return true;
  }

  bool gather(Text part) {
    part_.append(part.data(), part.size());
    return true;
  }

  Text whole(Text end) {
    if (part_.empty()) return end;
    gather(end);
    return part_;
  }

  bool refuse(Flaw refusal, error_code& ec) {
    refusal_ = refusal;
    ec = boost::json::error::syntax;
    return false;
  }

  const std::size_t most_bytes_;
  std::size_t bytes_ = 0;  ///< of the value so far
  Json root_;
  std::array<Json*, kMaxJsonDepth> open_;
  std::size_t depth_ = 0;
  std::string part_;  ///< what came so far of a string with escapes
  Flaw refusal_ = Flaw::none;
};

using Parser = boost::json::basic_parser<Builder>;

std::string at(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  const auto start = newline == std::string_view::npos ? 0 : newline + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(1 + count_code_points(before.substr(start))) +
         " (byte " + std::to_string(offset) + "): ";
}

/// The syntax error that the byte at `offset` makes.
std::string unexpected(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return "the text ends too early";
  const std::size_t length = utf8_sequence(text, offset);
  if (length == 0) return "invalid UTF-8";
  if (static_cast<unsigned char>(text[offset]) < 0x20 || text[offset] == 0x7F) return "unexpected control character";
  return "unexpected '" + std::string{text.substr(offset, length)} + "'";
}

std::string explain(error_code ec, std::string_view text, std::size_t offset) {
  switch (static_cast<boost::json::error>(ec.value())) {
    case boost::json::error::incomplete:
      return "the text ends too early";
    case boost::json::error::too_deep:
      return "nested deeper than " + std::to_string(kMaxJsonDepth);
    case boost::json::error::exponent_overflow:
      return "the number is out of range";
    case boost::json::error::illegal_leading_surrogate:
    case boost::json::error::illegal_trailing_surrogate:
    case boost::json::error::expected_utf16_escape:
      return "a surrogate escape without its other half";
    case boost::json::error::expected_hex_digit:
      return "\\u needs four hexadecimal digits";
    default:
      return unexpected(text, offset);
  }
}

/// A name as a message can show it.
std::string shortened(const std::string& name) {
  constexpr std::size_t kShown = 64;
  if (name.size() <= kShown) return name;
  std::size_t end = 0;
  for (std::size_t next = 0; next <= kShown; next += utf8_sequence(name, next)) end = next;
  return name.substr(0, end) + "…";
}

Failure failure(const Parser& parser, error_code ec, std::string_view text, std::size_t offset) {
  const Builder& builder = parser.handler();
  switch (builder.refusal()) {
    case Flaw::none:
      return {Error::bad_request, at(text, offset) + (ec ? explain(ec, text, offset) : "something follows the JSON value")};
    case Flaw::duplicate_name:
      return {Error::bad_request,
              at(text, offset) + "the name \"" + shortened(builder.name()) + "\" stands twice in one object"};
    case Flaw::number_range:
      return {Error::bad_request, at(text, offset) + "the number is out of range"};
    case Flaw::too_large:
      return {Error::too_large, at(text, offset) + "the JSON takes too much memory"};
    case Flaw::integer_range:
      break;
  }
  Failure failure{Error::unprocessable, at(text, offset) + "the integer does not fit in 64 bits"};
  failure.errors.push_back({builder.pointer(), std::string(kIntegerRange)});
  return failure;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t most_bytes) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  Parser parser{options, most_bytes};
  error_code ec;
  const std::size_t stopped = parser.write_some(false, text.data(), text.size(), ec);
  if (ec || stopped != text.size()) return failure(parser, ec, text, stopped);
  return parser.handler().take();
}

}  // namespace nacre
