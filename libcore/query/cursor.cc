#include <sodium.h>

#include <algorithm>
#include <array>

#include "base/time.h"
#include "json/parse.h"
#include "query/list_query.h"

// A cursor is base64url, without padding, of: a version byte, a keyed hash of all that it is bound to and of what follows, and
// the sort keys as a JSON array, where an array of one text is the hash of a long text. The hash tells damage and mistakes; a
// forged cursor brings no more than `where` does.
namespace nacre::query {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeader = 1 + crypto_shorthash_BYTES;
constexpr std::array<unsigned char, crypto_shorthash_KEYBYTES> kKey{'n', 'a', 'c', 'r', 'e', ' ', 'c', 'u',
                                                                    'r', 's', 'o', 'r', ' ', 'v', '1', 0};

std::string checksum(std::string_view resource, std::string_view shape, std::string_view keys) {
  std::string bound;
  bound.reserve(resource.size() + shape.size() + keys.size() + 2);
  bound.append(resource).append(1, '\0').append(shape).append(1, '\0').append(keys);
  std::array<unsigned char, crypto_shorthash_BYTES> hash{};
  crypto_shorthash(hash.data(), reinterpret_cast<const unsigned char*>(bound.data()), bound.size(), kKey.data());
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

constexpr std::size_t kLongText = 200;
constexpr std::size_t kHashBytes = 16;

std::string hash_of(std::string_view text) {
  std::array<unsigned char, kHashBytes> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  std::array<char, sodium_base64_ENCODED_LEN(kHashBytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING)> encoded{};
  sodium_bin2base64(encoded.data(), encoded.size(), hash.data(), hash.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return encoded.data();
}

std::size_t encoded_length(std::size_t bytes) {
  return sodium_base64_encoded_len(kHeader + bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING) - 1;
}

std::string text_of(const std::vector<Json>& keys) {
  std::string text;
  append_json(text, JsonArray(keys.begin(), keys.end()));
  return text;
}

std::vector<Json> without_long_texts(const ListQuery& query, std::vector<Json> keys) {
  for (std::size_t i = 0; i < keys.size() && i < query.sort.size(); ++i) {
    Json& key = keys[i];
    const bool is_long = key.is_string() && key.get_string().size() > kLongText;
    if (is_long && !query.sort[i].field.built_in) key = JsonArray{Json(hash_of(key.get_string()))};
  }
  return keys;
}

bool is_left_out(const Json& value) {
  return value.is_array() && value.get_array().size() == 1 && value.get_array()[0].is_string();
}

/// A document's value at a dotted path; nullptr when there is none.
const Json* value_at(const Json& document, std::string_view path) {
  const Json* value = &document;
  while (value->is_object()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    value = value->get_object().if_contains(path.substr(0, dot));
    if (value == nullptr || dot == path.size()) return value;
    path.remove_prefix(dot + 1);
  }
  return nullptr;
}

/// What a store gives for this key. A user's field may hold any scalar: the schema may have changed since it was written.
bool is_key_value(const Json& value, const FieldRef& field) {
  if (value.is_object() || (value.is_null() && field.path != "_id")) return true;  // another program may have written that
  if (!field.built_in) return !value.is_structured() || is_left_out(value);
  if (field.field.types == schema::kInteger) return value.is_int64();
  if (!value.is_string()) return false;
  return !field.field.date_time || parse_rfc3339(value.get_string()).has_value();
}

}  // namespace

std::string encode_cursor(std::string_view resource, const ListQuery& query, const std::vector<Json>& last_keys) {
  std::string keys = text_of(last_keys);
  if (encoded_length(keys.size()) > kLongestCursor) keys = text_of(without_long_texts(query, last_keys));
  const std::string plain = kVersion + checksum(resource, query.shape, keys) + keys;
  std::string text(sodium_base64_encoded_len(plain.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(plain.data()), plain.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();
  return text;
}

Result<std::vector<Json>> decode_cursor(std::string_view text, std::string_view resource, const ListQuery& query) {
  const Failure failure(Error::bad_request, "after: this is no cursor of this query; take `next` of the page before as it is");
  // libsodium 1.0.18 takes a byte above ASCII for '_'.
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x7F; })) return failure;
  std::string plain(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(plain.data()), plain.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
    return failure;
  }
  plain.resize(size);
  if (plain.size() < kHeader || plain[0] != kVersion) return failure;
  const std::string_view keys = std::string_view(plain).substr(kHeader);
  if (std::string_view(plain).substr(1, crypto_shorthash_BYTES) != checksum(resource, query.shape, keys)) return failure;
  const auto values = parse_json(keys);
  if (!values || !values->is_array() || values->get_array().size() != query.sort.size()) return failure;
  std::vector<Json> after;
  for (std::size_t i = 0; i < query.sort.size(); ++i) {
    const Json& value = values->get_array()[i];
    if (!is_key_value(value, query.sort[i].field)) return failure;
    after.push_back(value);
  }
  return after;
}

bool is_complete(const ListQuery& query) { return std::none_of(query.after.begin(), query.after.end(), is_left_out); }

Result<void> complete(ListQuery& query, const Json& document) {
  for (std::size_t i = 0; i < query.after.size(); ++i) {
    if (!is_left_out(query.after[i])) continue;
    const Json* const value = value_at(document, query.sort[i].field.path);
    if (value == nullptr || !value->is_string() || hash_of(value->get_string()) != query.after[i].get_array()[0].get_string()) {
      return Failure(Error::bad_request, "after: the document before this page has changed, and its \"" +
                                             shown(query.sort[i].field.path) + "\" was too long for a cursor; begin anew");
    }
    query.after[i] = *value;
  }
  return {};
}

}  // namespace nacre::query
