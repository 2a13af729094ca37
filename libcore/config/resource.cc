#include "config/resource.h"

#include <algorithm>
#include <utility>

#include "config/bounds.h"
#include "config/indexes.h"
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
