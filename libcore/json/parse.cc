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
enum class Flaw : std::uint8_t { none, duplicate_name, integer_range, number_range };

template <class Object>
auto& last(Object& object) {
  return *(object.end() - 1);
}

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

  bool on_object_begin(error_code&) {
    Json& value = place();
    value.emplace_object().reserve(kUsualMembers);
    open_[depth_++] = &value;
    return true;
  }
  bool on_object_end(std::size_t, error_code&) { return close(); }

  bool on_array_begin(error_code&) {
    Json& value = place();
    value.emplace_array();
    open_[depth_++] = &value;
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return close(); }

  bool on_key_part(Text part, std::size_t, error_code&) { return gather(part); }
  bool on_key(Text end, std::size_t, error_code& ec) {
    const Text name = whole(end);
    const bool fresh = open_[depth_ - 1]->get_object().emplace(name, nullptr).second;
    if (!fresh) {
      part_.assign(name.data(), name.size());
      return refuse(Flaw::duplicate_name, ec);
    }
    part_.clear();
    return true;
  }

  bool on_string_part(Text part, std::size_t, error_code&) { return gather(part); }
  bool on_string(Text end, std::size_t, error_code&) {
    place().emplace_string().assign(whole(end));
    part_.clear();
    return true;
  }

  bool on_number_part(Text, error_code&) { return true; }
  bool on_int64(std::int64_t number, Text, error_code&) {
    place() = number;
    return true;
  }
  bool on_uint64(std::uint64_t number, Text, error_code& ec) {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return refuse(Flaw::integer_range, ec);
    place() = static_cast<std::int64_t>(number);
    return true;
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
    place() = number;
    return true;
  }

  bool on_bool(bool value, error_code&) {
    place() = value;
    return true;
  }
  bool on_null(error_code&) {
    place() = nullptr;
    return true;
  }
  bool on_comment_part(Text, error_code&) { return true; }
  bool on_comment(Text, error_code&) { return true; }

 private:
  /// Room from the start for most objects: below the size where Boost.JSON begins to hash, growing costs more than the room.
  static constexpr std::size_t kUsualMembers = 8;

  /// Where the next value goes; the name of a member is there already.
  Json& place() {
    if (depth_ == 0) return root_;
    Json& parent = *open_[depth_ - 1];
    if (auto* array = parent.if_array()) return array->emplace_back(nullptr);
    return last(parent.get_object()).value();
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
    case Flaw::integer_range:
      break;
  }
  Failure failure{Error::unprocessable, at(text, offset) + "the integer does not fit in 64 bits"};
  failure.errors.push_back({builder.pointer(), "must be an integer from -9223372036854775808 to 9223372036854775807"});
  return failure;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  Parser parser{options};
  error_code ec;
  const std::size_t stopped = parser.write_some(false, text.data(), text.size(), ec);
  if (ec || stopped != text.size()) return failure(parser, ec, text, stopped);
  return parser.handler().take();
}

}  // namespace nacre
