#include "store/mongo/indexes.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "query/filter.h"

namespace nacre::store::on_mongo {
namespace {

std::string hash_of(std::string_view text) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  std::string hex;
  append_hex(hex, {reinterpret_cast<const char*>(hash.data()), hash.size()});
  return hex;
}

template <class Body>
std::string bson_of(Body&& body) {
  std::string out;
  BsonWriter bson(out);
  bson.document([&] { body(bson); });
  return out;
}

/// `write` adds the elements of the definition: its key and its options.
template <class Write>
IndexPlan named(std::string_view kind, std::string keys, bool unique, Write&& write) {
  const std::string definition = bson_of(write);
  IndexPlan plan{.name = std::string(kIndexPrefix).append(kind) + "_" + hash_of(definition),
                 .spec = {},
                 .keys = std::move(keys),
                 .unique = unique};
  plan.spec = bson_of([&](BsonWriter& bson) {
    write(bson);
    bson.string("name", plan.name);
  });
  return plan;
}

struct Key {
  config::IndexKey key;
  bool known = false;  ///< to the schema, with one value in each document
  bool many = false;   ///< it may hold an array
  bool built_in = false;
};

Key resolve(const config::IndexKey& key, const schema::Schema& schema) {
  const auto field = query::find_field(key.path, schema, "index");
  if (!field) return {key};
  const bool many = field->field.through_array || (field->field.types & schema::kArray) != 0;
  return {key, !many && (field->field.types & schema::kObject) == 0, many, field->built_in};
}

void write_keys(BsonWriter& bson, const std::vector<Key>& keys) {
  for (const Key& key : keys) bson.int32(key.key.path, key.key.descending ? -1 : 1);
}

IndexPlan search_index(const std::vector<Key>& keys, const std::string& names) {
  return named("i", names, false, [&](BsonWriter& bson) {
    bson.document("key", [&] {
      write_keys(bson, keys);
      const bool ends = std::any_of(keys.begin(), keys.end(), [](const Key& key) { return key.key.path == "_id"; });
      if (!ends) bson.int32("_id", keys.back().key.descending ? -1 : 1);
    });
  });
}

/// Documents that have any of the keys; what the server sets is always there, but an owner may be null.
void write_any(BsonWriter& bson, const std::vector<Key>& keys) {
  bson.array("$or", [&] {
    std::size_t index = 0;
    for (const Key& key : keys) {
      bson.document(IndexName(index++).view(), [&] {
        bson.document(key.key.path, [&] {
          if (key.key.path == "_owner") {
            bson.string("$type", "string");
          } else {
            bson.boolean("$exists", true);
          }
        });
      });
    }
  });
}

IndexPlan unique_index(const std::vector<Key>& keys, const std::string& names) {
  return named("u", names, true, [&](BsonWriter& bson) {
    bson.document("key", [&] { write_keys(bson, keys); });
    bson.boolean("unique", true);
    if (std::none_of(keys.begin(), keys.end(), [](const Key& key) { return key.built_in; })) {
      bson.boolean("sparse", true);
    } else {
      bson.document("partialFilterExpression", [&] { write_any(bson, keys); });
    }
  });
}

}  // namespace

bool CollectionPlan::has_unique() const noexcept {
  return std::any_of(indexes.begin(), indexes.end(), [](const IndexPlan& index) { return index.unique; });
}

CollectionPlan plan_collection(const config::Resource& resource) {
  CollectionPlan plan{.name = resource.name, .indexes = {}, .not_indexed = {}};
  for (const config::Index& index : resource.indexes) {
    std::vector<Key> keys;
    std::string names;
    for (const config::IndexKey& key : index.keys) {
      names += (names.empty() ? "" : ", ") + key.path;
      keys.push_back(resolve(key, resource.schema));
    }
    const auto many = std::count_if(keys.begin(), keys.end(), [](const Key& key) { return key.many; });
    const bool enforced = std::all_of(keys.begin(), keys.end(), [](const Key& key) { return key.known; });
    if (many > 1 || (index.unique && !enforced)) plan.not_indexed.push_back(names);
    if (many <= 1 && (keys.size() > 1 || keys.front().key.path != "_id")) plan.indexes.push_back(search_index(keys, names));
    if (index.unique && enforced) plan.indexes.push_back(unique_index(keys, names));
  }
  if (resource.access.read.kind == config::AccessRule::Kind::owner) {
    plan.indexes.push_back(search_index({{.key = {.path = "_owner"}, .built_in = true}}, "_owner"));
  }
  return plan;
}

CollectionPlan plan_remembered() {
  CollectionPlan plan{.name = std::string(kRemembered), .indexes = {}, .not_indexed = {}};
  plan.indexes.push_back(named("i", "expires", false, [](BsonWriter& bson) {
    bson.document("key", [&] { bson.int32("expires", 1); });
    bson.int32("expireAfterSeconds", 0);
  }));
  return plan;
}

}  // namespace nacre::store::on_mongo
