#include "mongo/bson_reader.h"

#include <algorithm>

namespace nacre::mongo {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// A length that stands at the beginning, when it is within `least` and what is there.
std::size_t length_at(std::string_view bytes, std::int64_t least, std::int64_t extra) noexcept {
  if (bytes.size() < 4) return kNone;
  std::int32_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const std::int64_t size = std::int64_t{length} + extra;
  return length < least || size > static_cast<std::int64_t>(bytes.size()) ? kNone : static_cast<std::size_t>(size);
}

std::size_t string_size(std::string_view rest) noexcept {
  const std::size_t size = length_at(rest, 1, 4);
  return size == kNone || rest[size - 1] != '\0' ? kNone : size;
}

std::size_t document_size(std::string_view rest) noexcept {
  const std::size_t size = length_at(rest, 5, 0);
  return size == kNone || rest[size - 1] != '\0' ? kNone : size;
}

std::size_t regex_size(std::string_view rest) noexcept {
  const std::size_t pattern = rest.find('\0');
  if (pattern == kNone) return kNone;
  const std::size_t options = rest.find('\0', pattern + 1);
  return options == kNone ? kNone : options + 1;
}

/// How many bytes a value takes; kNone when it is malformed.
std::size_t value_size(BsonType type, std::string_view rest) noexcept {
  switch (type) {
    case BsonType::undefined:
    case BsonType::null:
    case BsonType::min_key:
    case BsonType::max_key:
      return 0;
    case BsonType::boolean:
      return 1;
    case BsonType::int32:
      return 4;
    case BsonType::real:
    case BsonType::date:
    case BsonType::timestamp:
    case BsonType::int64:
      return 8;
    case BsonType::object_id:
      return 12;
    case BsonType::decimal128:
      return 16;
    case BsonType::string:
    case BsonType::code:
    case BsonType::symbol:
      return string_size(rest);
    case BsonType::document:
    case BsonType::array:
      return document_size(rest);
    case BsonType::binary:
      return length_at(rest, 0, 5);
    case BsonType::regex:
      return regex_size(rest);
    case BsonType::db_pointer: {
      const std::size_t size = string_size(rest);
      return size == kNone ? kNone : size + 12;
    }
    case BsonType::code_with_scope:
      return length_at(rest, 14, 0);
  }
  return kNone;
}

bool is_valid_at(std::string_view document, int depth) noexcept {
  if (depth > kMaxBsonDepth) return false;
  BsonReader reader(document);
  BsonElement element;
  while (reader.next(element)) {
    std::string_view inside = element.value;
    if (element.type == BsonType::code_with_scope) {
      const std::size_t code = string_size(inside.substr(4));
      if (code == kNone) return false;
      inside.remove_prefix(4 + code);
    } else if (!element.is_document()) {
      continue;
    }
    if (!is_valid_at(inside, depth + 1)) return false;
  }
  return !reader.failed();
}

}  // namespace

BsonReader::BsonReader(std::string_view document) noexcept {
  if (document_size(document) != document.size() || document.empty()) {
    failed_ = true;
  } else {
    rest_ = document.substr(4, document.size() - 5);
  }
}

bool BsonReader::next(BsonElement& element) noexcept {
  if (rest_.empty()) return false;
  const char* const begin = rest_.data();
  const char* const end = begin + rest_.size();
  const char* const name_end = std::find(begin + 1, end, '\0');
  if (name_end == end) return fail();
  element.type = static_cast<BsonType>(*begin);
  element.name = {begin + 1, name_end};
  rest_ = {name_end + 1, end};
  const std::size_t size = value_size(element.type, rest_);
  if (size > rest_.size()) return fail();
  element.value = {rest_.data(), size};
  rest_.remove_prefix(size);
  return true;
}

std::optional<BsonElement> find(std::string_view document, std::string_view path) noexcept {
  for (;;) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, dot);
    BsonReader reader(document);
    BsonElement element;
    bool found = false;
    while (!found && reader.next(element)) found = element.name == name;
    if (!found) return std::nullopt;
    if (dot == path.size()) return element;
    if (element.type != BsonType::document) return std::nullopt;
    document = element.document();
    path.remove_prefix(dot + 1);
  }
}

bool is_valid(std::string_view document) noexcept { return is_valid_at(document, 1); }

}  // namespace nacre::mongo
