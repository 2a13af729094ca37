#include <sodium.h>

#include <algorithm>
#include <array>

#include "base/time.h"
#include "json/parse.h"
#include "query/list_query.h"

// A cursor is base64url, without padding, of: a version byte, a keyed hash of all that it is bound to and of what follows, and
// the sort keys as a JSON array. The hash tells damage and mistakes; a forged cursor brings no more than `where` does.
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

/// What a store gives for this key. A user's field may hold any scalar: the schema may have changed since it was written.
bool is_key_value(const Json& value, const FieldRef& field) {
  if (!field.built_in) return !value.is_structured();
  if (value.is_null()) return (field.field.types & schema::kNull) != 0;
  if (field.field.types == schema::kInteger) return value.is_int64();
  if (!value.is_string()) return false;
  return !field.field.date_time || parse_rfc3339(value.get_string()).has_value();
}

}  // namespace

std::string encode_cursor(std::string_view resource, const ListQuery& query, const std::vector<Json>& last_keys) {
  std::string keys;
  append_json(keys, JsonArray(last_keys.begin(), last_keys.end()));
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

}  // namespace nacre::query
