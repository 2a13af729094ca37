#include "store/mongo/sort_key.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "json/utf8.h"
#include "query/filter.h"
#include "store/mongo/filter_bson.h"
#include "store/mongo/to_json.h"

namespace nacre::store::on_mongo {
namespace {

constexpr std::size_t kLargestKey = 1'024;  // of those that are kept as bytes

Failure unsortable(std::string_view path, const char* why) {
  return {Error::bad_request, "sort: " + query::shown(path) + " holds " + why + " in documents of another program"};
}

bool is_utf8(std::string_view text) {
  std::size_t at = 0;
  for (std::size_t length = 1; at < text.size() && length != 0; at += length) length = utf8_sequence(text, at);
  return at == text.size();
}

/// What JSON stands for as the value of a key.
BsonValue value_of(const Json& key, const query::FieldRef& field) {
  std::string bson;
  BsonWriter writer(bson);
  writer.document([&] { write_operand(writer, "", key, field); });
  BsonReader reader(bson);
  BsonElement element;
  reader.next(element);
  return {element.type, std::string(element.value)};
}

/// The JSON that a cursor shows of it, where it has one.
std::optional<Json> json_of(const BsonElement& element) {
  std::string text;
  switch (element.type) {
    case BsonType::null:
    case BsonType::undefined:
      return Json(nullptr);
    case BsonType::int32:
    case BsonType::int64:
      return Json(element.integer());
    case BsonType::boolean:
      return Json(element.boolean());
    case BsonType::real:
      return std::isfinite(element.real()) ? std::optional(Json(element.real())) : std::nullopt;
    case BsonType::string:
      return is_utf8(element.text()) ? std::optional(Json(element.text())) : std::nullopt;
    case BsonType::object_id:
      append_hex(text, element.value);
      return Json(text);
    case BsonType::date:
      text = format_rfc3339(element.date());
      return Json(text);
    default:
      return std::nullopt;
  }
}

bool is_plain_number(BsonType type) { return type == BsonType::int32 || type == BsonType::int64 || type == BsonType::real; }

/// Whether a key that was read back has the same place in the order.
bool is_same_key(const BsonValue& back, const BsonElement& element) {
  if (element.type == BsonType::undefined) return back.type == BsonType::null;
  if (is_plain_number(element.type)) return is_plain_number(back.type);
  return back.type == element.type && back.bytes == element.value;
}

std::optional<BsonElement> find_member(std::string_view document, std::string_view name) {
  BsonReader reader(document);
  BsonElement element;
  while (reader.next(element)) {
    if (element.name == name) return element;
  }
  return std::nullopt;
}

/// The element at a dotted path. Error::bad_request where an array is on the way.
Result<std::optional<BsonElement>> element_at(std::string_view document, std::string_view path) {
  const std::string_view whole = path;
  for (;;) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const auto element = find_member(document, path.substr(0, dot));
    if (!element) return std::optional<BsonElement>();
    if (element->type == BsonType::array) return unsortable(whole, "arrays");
    if (dot == path.size()) return element;
    if (element->type != BsonType::document) return std::optional<BsonElement>();
    document = element->document();
    path.remove_prefix(dot + 1);
  }
}

}  // namespace

Result<Json> sort_key(std::string_view document, const query::FieldRef& field) {
  const auto element = element_at(document, field.path);
  if (!element) return element.error();
  if (!*element) return Json(nullptr);
  const bool is_id = field.built_in && field.path == "_id";
  auto json = json_of(**element);
  // Of what the server sets, nothing else has a form that can be told from others.
  const bool of_integers = field.field.types == schema::kInteger;
  const bool fits =
      json && (!field.built_in || (json->is_null() && !is_id) || (of_integers ? json->is_int64() : json->is_string()));
  if (fits && is_same_key(value_of(*json, field), **element)) return std::move(*json);
  if ((*element)->value.size() > kLargestKey) return unsortable(field.path, "values too large for a cursor");
  std::string bytes;
  append_hex(bytes, (*element)->value);
  JsonObject key{{"type", static_cast<std::int64_t>((*element)->type)}, {"bytes", bytes}};
  if (is_id) {
    std::string shown;
    append_value(shown, **element);
    const bool text = shown.starts_with('"');  // ids hold no characters that are escaped
    key["shown"] = std::string_view(shown).substr(text ? 1 : 0, shown.size() - (text ? 2 : 0));
  }
  return Json(std::move(key));
}

std::optional<BsonValue> parse_sort_key(const Json& key, const query::FieldRef& field) {
  const JsonObject* const object = key.if_object();
  if (object == nullptr) return value_of(key, field);
  const Json* const type = object->if_contains("type");
  const Json* const bytes = object->if_contains("bytes");
  if (type == nullptr || !type->is_int64() || bytes == nullptr || !bytes->is_string()) return std::nullopt;
  const auto raw = parse_hex(bytes->get_string());
  if (!raw || type->get_int64() < 1 || type->get_int64() > std::numeric_limits<std::uint8_t>::max()) return std::nullopt;
  BsonValue value{static_cast<BsonType>(type->get_int64()), *raw};
  std::string bson;
  BsonWriter writer(bson);
  writer.document([&] { writer.raw("", value.bytes, value.type); });
  BsonReader reader(bson);
  BsonElement element;
  const bool whole = mongo::is_valid(bson) && reader.next(element) && element.value.size() == value.bytes.size();
  return whole ? std::optional(std::move(value)) : std::nullopt;
}

}  // namespace nacre::store::on_mongo
