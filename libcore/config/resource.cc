#include "config/resource.h"

#include <algorithm>
#include <utility>

#include "config/bounds.h"
#include "config/limit.h"
#include "config/reader.h"
#include "config/scalar.h"

namespace nacre::config {
namespace {

constexpr std::string_view kRules = "allowed: public, user, owner, role:NAME, nobody";

AccessRule read_rule(const Reader& reader, std::string_view key) {
  const auto* member = reader.find(key);
  if (member == nullptr) return {};
  const auto rule = parse_access_rule(member->value.text);
  if (!rule) reader.report(*member, "no access rule", kRules);
  return rule.value_or(AccessRule{});
}

Access read_access(const Source& source, const Member& member) {
  const Reader reader(source, member.value, member.mark, {"read", "create", "update", "delete"});
  Access access{.read = read_rule(reader, "read"),
                .create = read_rule(reader, "create"),
                .update = read_rule(reader, "update"),
                .del = read_rule(reader, "delete")};
  // Who creates a document owns it, so before there is one its owner can be any user.
  if (access.create.kind == AccessRule::Kind::owner) access.create.kind = AccessRule::Kind::user;
  return access;
}

CachePolicy read_cache_policy(const Source& source, const Member& member, Milliseconds ttl) {
  CachePolicy policy{.ttl = ttl};
  if (is_off(member.value)) {
    policy.on = false;
    return policy;
  }
  if (member.value.kind != Value::Kind::mapping) {
    source.fail(member.value.mark, "cache: " + describe(member.value) + " is no cache rule",
                "allowed: off, or a mapping of ttl, stale, client");
  }
  const Reader reader(source, member.value, member.mark, {"ttl", "stale", "client"});
  reader.duration("ttl", policy.ttl, kShortestLifetime, kLongestLifetime);
  reader.duration("stale", policy.stale, Milliseconds{0}, kLongestLifetime);
  reader.duration("client", policy.client, Milliseconds{0}, kLongestLifetime);
  return policy;
}

Paging read_paging(const Source& source, const Member& member) {
  const Reader reader(source, member.value, member.mark, {"default", "max"});
  Paging page;
  reader.integer("max", page.max_limit, 1, kLargestPage);
  page.default_limit = std::min(page.default_limit, page.max_limit);
  reader.integer("default", page.default_limit, 1, kLargestPage);
  if (const auto* given = reader.find("default"); given != nullptr && page.default_limit > page.max_limit) {
    reader.fail(*given, "more than max", "allowed: 1 to " + std::to_string(page.max_limit));
  }
  return page;
}

IndexKey read_index_key(const Source& source, const Value& value) {
  constexpr std::string_view kKeys = "allowed: a field's dotted path, - before it for descending";
  auto key = parse_index_key(value.text);
  if (!key) source.fail(value.mark, "keys: " + describe(value) + " is no field", kKeys);
  return std::move(*key);
}

bool is_array(const schema::Schema& schema, std::string_view path) {
  const auto field = schema.field(path);
  return field && (field->through_array || (field->types & ~schema::kNull) == schema::kArray);
}

Index read_index(const Source& source, const Value& value, const schema::Schema& schema) {
  const Reader reader(source, value, value.mark, {"keys", "unique"});
  const auto allowed = "allowed: a list of 1 to " + std::to_string(kMostIndexKeys) + " fields";
  const auto& keys = reader.require("keys", allowed);
  const auto count = keys.value.items.size();
  if (count < 1 || count > kMostIndexKeys) reader.fail(keys, "not a list of fields", allowed);
  Index index;
  reader.boolean("unique", index.unique);
  std::size_t arrays = 0;
  for (const auto& item : keys.value.items) {
    auto key = read_index_key(source, item);
    const auto same = [&](const IndexKey& other) { return other.path == key.path; };
    if (std::any_of(index.keys.begin(), index.keys.end(), same)) {
      source.fail(item.mark, "keys: " + describe(item) + " stands here twice", "allowed: each field once");
    }
    // What is unique, a list or each of its items, would differ from store to store; two lists no store can index together.
    if (is_array(schema, key.path) && (index.unique || ++arrays > 1)) {
      source.fail(item.mark, "keys: " + describe(item) + " is an array", "allowed: one array in an index that is not unique");
    }
    index.keys.push_back(std::move(key));
  }
  return index;
}

std::vector<Index> read_indexes(const Source& source, const Member& member, const schema::Schema& schema) {
  const auto allowed = "allowed: a list of at most " + std::to_string(kMostIndexes) + " mappings of keys, unique";
  const auto& value = member.value;
  if (value.kind != Value::Kind::sequence || value.items.size() > kMostIndexes) {
    source.fail(value.mark, "indexes: " + describe(value) + " is no list of indexes", allowed);
  }
  std::vector<Index> indexes;
  for (const auto& item : value.items) {
    auto index = read_index(source, item, schema);
    const auto same = [&](const Index& other) {
      return std::equal(other.keys.begin(), other.keys.end(), index.keys.begin(), index.keys.end(),
                        [](auto& a, auto& b) { return a.path == b.path && a.descending == b.descending; });
    };
    if (std::any_of(indexes.begin(), indexes.end(), same)) {
      source.fail(item.mark, "indexes: this index stands here twice", "allowed: each list of keys once");
    }
    indexes.push_back(std::move(index));
  }
  return indexes;
}

}  // namespace

Resource read_resource(const Source& source, const Member& member, SchemaFiles& schemas, Milliseconds cache_ttl) {
  if (member.key == "auth")
    source.fail(member.mark, "\"auth\" can't be a resource", "allowed: any other name; /auth is for users and sessions");
  if (!is_resource_name(member.key)) {
    source.fail(member.mark, quote(member.key) + " is no name for a resource",
                "allowed: [a-z][a-z0-9_-]*, at most 64 characters");
  }
  const Reader reader(source, member.value, member.mark, {"schema", "access", "indexes", "cache", "limit", "page"});
  const auto& schema = reader.require("schema", "allowed: a JSON Schema (draft 7), or the path of a file with one");
  auto loaded = schemas.read(schema.value);
  Resource resource{.name = member.key,
                    .schema_json = std::move(loaded.json),
                    .schema = std::move(loaded.schema),
                    .access = {},
                    .indexes = {},
                    .cache = {.ttl = cache_ttl},
                    .limits = {},
                    .page = {}};
  const auto part = [&](std::string_view key, const auto& read) {
    if (const auto* given = reader.find(key)) source.findings().attempt([&] { read(*given); });
  };
  part("access", [&](const Member& access) { resource.access = read_access(source, access); });
  part("indexes", [&](const Member& indexes) { resource.indexes = read_indexes(source, indexes, resource.schema); });
  part("cache", [&](const Member& cache) { resource.cache = read_cache_policy(source, cache, cache_ttl); });
  part("limit", [&](const Member& limit) { resource.limits = read_limits(source, limit); });
  part("page", [&](const Member& page) { resource.page = read_paging(source, page); });
  return resource;
}

}  // namespace nacre::config
