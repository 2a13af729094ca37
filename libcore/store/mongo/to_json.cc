#include "store/mongo/to_json.h"

#include <bson/bson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/time.h"
#include "json/write.h"

namespace nacre::store::on_mongo {
namespace {

using mongo::kMaxBsonDepth;
using namespace std::string_view_literals;

const Timestamp first_date{Milliseconds{-62'167'219'200'000}};  // 0000-01-01T00:00:00.000Z
const Timestamp last_date{Milliseconds{253'402'300'799'999}};   // 9999-12-31T23:59:59.999Z

void append_integer(std::string& out, std::int64_t number) {
  std::array<char, 24> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_date(std::string& out, Timestamp moment) {
  if (moment < first_date || moment > last_date) {
    out += "null";
  } else {
    append_json_date(out, moment);
  }
}

void append_uuid(std::string& out, std::string_view bytes) {
  for (const std::size_t size : {4, 2, 2, 2, 6}) {
    if (size != 4) out += '-';
    append_hex(out, bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) group = group << 8U | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kDigits[(group >> (18 - 6 * k)) & 63U] : '=';
  }
}

void append_binary(std::string& out, std::string_view value) {
  constexpr char kUuid = 4;
  out += '"';
  const std::string_view bytes = value.substr(5);
  if (value[4] == kUuid && bytes.size() == 16) {
    append_uuid(out, bytes);
  } else {
    append_base64(out, bytes);
  }
  out += '"';
}

void append_decimal(std::string& out, std::string_view value) {
  bson_decimal128_t decimal{};
  std::memcpy(&decimal.low, value.data(), sizeof decimal.low);
  std::memcpy(&decimal.high, value.data() + sizeof decimal.low, sizeof decimal.high);
  std::array<char, BSON_DECIMAL128_STRING> text{};
  bson_decimal128_to_string(&decimal, text.data());
  append_json_string(out, text.data());
}

void append_regex(std::string& out, std::string_view value) {
  const std::size_t end = value.find('\0');
  std::string text = "/";
  text.append(value.substr(0, end)).append("/").append(value.substr(end + 1, value.size() - end - 2));
  append_json_string(out, text);
}

Timestamp seconds_of(std::string_view big_endian) {
  std::uint32_t seconds = 0;
  for (const char c : big_endian.substr(0, 4)) seconds = seconds << 8U | static_cast<unsigned char>(c);
  return Timestamp{Seconds{seconds}};
}

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  /// The user's fields of a document that are named, each after a comma, and the closing brace.
  bool fields(std::string_view document, const FieldTree& named) {
    BsonReader reader(document);
    BsonElement element;
    while (reader.next(element)) {
      if (element.name.starts_with('_')) continue;
      member(element, named.everything() ? nullptr : &named, ',', 1);
      if (broken_) return false;
    }
    out_ += '}';
    return !reader.failed();
  }

  bool value(const BsonElement& element, const FieldTree* named, int depth) {
    if (element.is_document()) {
      if (depth > kMaxBsonDepth) return out_ += "null", true;
      return element.type == BsonType::array ? elements(element.document(), named, depth)
                                             : members(element.document(), named, depth);
    }
    scalar(element);
    return true;
  }

 private:
  /// Appends a member after the separator; false when it is left out.
  bool member(const BsonElement& element, const FieldTree* named, char separator, int depth) {
    const FieldTree* below = named == nullptr ? nullptr : named->find(element.name);
    if (named != nullptr && (below == nullptr || (!below->everything() && !element.is_document()))) return false;
    if (below != nullptr && below->everything()) below = nullptr;
    out_ += separator;
    append_json_string(out_, element.name);
    out_ += ':';
    broken_ = !value(element, below, depth + 1) || broken_;
    return true;
  }

  bool members(std::string_view document, const FieldTree* named, int depth) {
    BsonReader reader(document);
    BsonElement element;
    char separator = '{';
    while (!broken_ && reader.next(element)) {
      if (member(element, named, separator, depth)) separator = ',';
    }
    if (separator == '{') out_ += '{';
    out_ += '}';
    return !broken_ && !reader.failed();
  }

  bool elements(std::string_view document, const FieldTree* named, int depth) {
    BsonReader reader(document);
    BsonElement element;
    char separator = '[';
    while (reader.next(element)) {
      if (named != nullptr && !element.is_document()) continue;
      out_ += separator;
      separator = ',';
      if (!value(element, named, depth + 1)) return false;
    }
    if (separator == '[') out_ += '[';
    out_ += ']';
    return !reader.failed();
  }

  void scalar(const BsonElement& element) {
    switch (element.type) {
      case BsonType::string:
      case BsonType::symbol:
      case BsonType::code:
        return append_json_string(out_, element.text());
      case BsonType::int32:
      case BsonType::int64:
        return append_integer(out_, element.integer());
      case BsonType::real:
        return append_json(out_, Json(element.real()));
      case BsonType::boolean:
        out_ += element.boolean() ? "true" : "false";
        return;
      case BsonType::date:
        return append_date(out_, element.date());
      case BsonType::object_id:
        out_ += '"';
        append_hex(out_, element.value);
        out_ += '"';
        return;
      case BsonType::binary:
        return append_binary(out_, element.value);
      case BsonType::decimal128:
        return append_decimal(out_, element.value);
      case BsonType::timestamp: {
        std::uint32_t seconds = 0;
        std::memcpy(&seconds, element.value.data() + 4, sizeof seconds);
        return append_date(out_, Timestamp{Seconds{seconds}});
      }
      case BsonType::regex:
        return append_regex(out_, element.value);
      default:
        out_ += "null";
    }
  }

  std::string& out_;
  bool broken_ = false;
};

/// What the server sets, wherever it stands in the document.
class BuiltIns {
 public:
  /// They come first in what Nacre wrote, so that the search ends early. False when the bytes are no BSON.
  bool read(std::string_view document) {
    BsonReader reader(document);
    BsonElement element;
    for (int missing = 5; missing > 0 && reader.next(element);) {
      auto* place = place_of(element.name);
      if (place == nullptr || *place) continue;
      *place = element;
      --missing;
    }
    return !reader.failed();
  }

  std::int64_t rev() const { return rev_ && rev_->is_number() ? rev_->whole<std::int64_t>().value_or(1) : 1; }
  Timestamp created() const {
    if (created_ && created_->type == BsonType::date) return created_->date();
    return id_ && id_->type == BsonType::object_id ? seconds_of(id_->value) : Timestamp{};
  }
  Timestamp updated() const { return updated_ && updated_->type == BsonType::date ? updated_->date() : created(); }

  /// The members that `fields` names, without braces; `_id` always.
  bool append(std::string& out, const FieldTree& fields) const {
    const auto named = [&](std::string_view name) { return fields.everything() || fields.find(name) != nullptr; };
    out += "\"_id\":"sv;
    if (!id_) out += "null";
    if (id_ && !append_value(out, *id_)) return false;
    if (named("_rev")) {
      out += ",\"_rev\":"sv;
      append_integer(out, rev());
    }
    if (named("_created")) {
      out += ",\"_created\":"sv;
      append_date(out, created());
    }
    if (named("_updated")) {
      out += ",\"_updated\":"sv;
      append_date(out, updated());
    }
    if (named("_owner")) {
      out += ",\"_owner\":"sv;
      return owner_ ? append_value(out, *owner_) : (out += "null", true);
    }
    return true;
  }

 private:
  std::optional<BsonElement>* place_of(std::string_view name) {
    if (!name.starts_with('_')) return nullptr;
    if (name == "_id") return &id_;
    if (name == "_rev") return &rev_;
    if (name == "_created") return &created_;
    if (name == "_updated") return &updated_;
    return name == "_owner" ? &owner_ : nullptr;
  }

  std::optional<BsonElement> id_, rev_, created_, updated_, owner_;
};

}  // namespace

FieldTree::FieldTree(const std::vector<std::string>& fields) {
  for (std::string_view path : fields) {
    for (FieldTree* level = this; !path.empty();) {
      const std::size_t dot = std::min(path.find('.'), path.size());
      const std::string_view name = path.substr(0, dot);
      path.remove_prefix(std::min(dot + 1, path.size()));
      auto node = std::find_if(level->below_.begin(), level->below_.end(), [&](const FieldTree& n) { return n.name_ == name; });
      if (node == level->below_.end()) {
        node = level->below_.insert(node, FieldTree());
        node->name_ = name;
      }
      level = &*node;
    }
  }
}

const FieldTree* FieldTree::find(std::string_view name) const noexcept {
  for (const FieldTree& node : below_) {
    if (node.name_ == name) return &node;
  }
  return nullptr;
}

bool append_value(std::string& out, const BsonElement& element) { return JsonWriter(out).value(element, nullptr, 1); }

bool append_document(std::string& out, std::string_view bson, const FieldTree& fields) {
  BuiltIns built_ins;
  if (!built_ins.read(bson)) return false;
  out += '{';
  return built_ins.append(out, fields) && JsonWriter(out).fields(bson, fields);
}

Result<Document> to_document(std::string_view bson) {
  static const FieldTree all(std::vector<std::string>{});
  BuiltIns built_ins;
  if (!built_ins.read(bson)) return malformed();
  Document document{.json = {}, .rev = built_ins.rev(), .updated = built_ins.updated()};
  document.json.reserve(bson.size() + bson.size() / 4 + 64);
  document.json += '{';
  if (!built_ins.append(document.json, all) || !JsonWriter(document.json).fields(bson, all)) return malformed();
  return document;
}

}  // namespace nacre::store::on_mongo
