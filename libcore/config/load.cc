#include "config/load.h"

#include <algorithm>
#include <exception>

#include "base/object_id.h"
#include "config/auth.h"
#include "config/bounds.h"
#include "config/cors.h"
#include "config/fingerprint.h"
#include "config/read_file.h"
#include "config/reader.h"
#include "config/resource.h"
#include "config/scalar.h"
#include "config/schema_files.h"
#include "config/substitute.h"
#include "config/tracing.h"
#include "config/uri.h"

namespace nacre::config {
namespace {

void check_version(const Source& source, const Reader& reader) {
  const auto& version = reader.require("version", "allowed: version: 1");
  if (to_json(source, version.value) != Json(1)) reader.report(version, "unknown", "allowed: 1");
}

Store read_store(const Source& source, const Member& member, const std::filesystem::path& prefix) {
  const Reader reader(source, member.value, member.mark, {"uri"});
  const auto& uri = reader.require("uri", "allowed: a URI such as sqlite:PATH");
  return read_store_uri(source, uri.value, prefix);
}

Cache read_cache(const Source& source, const Member& member, const std::filesystem::path& prefix) {
  const Reader reader(source, member.value, member.mark, {"uri", "ttl", "local", "prefix"});
  Cache cache;
  std::shared_ptr<redis::Target> redis;
  if (const auto* uri = reader.find("uri")) redis = read_cache_uri(source, uri->value, prefix);
  reader.duration("ttl", cache.ttl, kShortestLifetime, kLongestLifetime);
  reader.boolean("local", cache.local);
  constexpr std::string_view kPrefixes = "allowed: 1 to 64 of A-Z a-z 0-9 _ . -";
  reader.string("prefix", cache.prefix, kPrefixes);
  if (!is_document_id(cache.prefix) || cache.prefix.find('~') != std::string::npos) {
    reader.report(*reader.find("prefix"), "no prefix", kPrefixes);
  }
  if (redis) redis->probe = cache.prefix + ":handshake";
  cache.redis = std::move(redis);
  return cache;
}

Timeouts read_timeouts(const Source& source, const Member& member) {
  const Reader reader(source, member.value, member.mark, {"request", "redis", "store"});
  Timeouts timeouts;
  reader.duration("request", timeouts.request, kShortestTimeout, kLongestTimeout);
  reader.duration("redis", timeouts.redis, kShortestTimeout, kLongestTimeout);
  reader.duration("store", timeouts.store, kShortestTimeout, kLongestTimeout);
  return timeouts;
}

std::vector<Resource> read_resources(const Source& source, const Member& member, SchemaFiles& schemas, Milliseconds cache_ttl) {
  if (member.value.kind != Value::Kind::mapping) {
    source.fail(member.value.mark, "resources: " + describe(member.value) + " is not a mapping",
                "allowed: a mapping of resources by name");
  }
  std::vector<Resource> resources;
  for (const auto& entry : member.value.members) {
    source.findings().attempt([&] { resources.push_back(read_resource(source, entry, schemas, cache_ttl)); });
  }
  return resources;
}

Config read_config(const Source& source, const Value& root, SchemaFiles& schemas, const std::filesystem::path& prefix) {
  const Reader reader(source, root, {},
                      {"version", "debug", "store", "cache", "cors", "auth", "timeouts", "tracing", "resources"});
  Config config;
  auto& findings = source.findings();
  const auto section = [&](std::string_view key, const auto& read) {
    if (const auto* member = reader.find(key)) findings.attempt([&] { read(*member); });
  };
  findings.attempt([&] { check_version(source, reader); });
  config.store.uri = "sqlite:" + (prefix / "data/nacre.db").lexically_normal().string();
  reader.boolean("debug", config.debug);
  section("store", [&](const Member& store) { config.store = read_store(source, store, prefix); });
  section("cache", [&](const Member& cache) { config.cache = read_cache(source, cache, prefix); });
  section("cors", [&](const Member& cors) { config.cors = std::make_shared<const http::Cors>(read_cors(source, cors)); });
  section("auth", [&](const Member& auth) { config.auth = read_auth(source, auth); });
  section("timeouts", [&](const Member& timeouts) { config.timeouts = read_timeouts(source, timeouts); });
  section("tracing", [&](const Member& tracing) { config.tracing = read_tracing(source, tracing); });
  section("resources",
          [&](const Member& resources) { config.resources = read_resources(source, resources, schemas, config.cache.ttl); });
  findings.refuse_mistakes();
  config.warnings = findings.take_warnings();
  Value all(Value::Kind::sequence);
  all.items = {root, schemas.files()};
  config.fingerprint = fingerprint(all);
  config.read = std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
  config.reading = make_object_id(config.read);
  return config;
}

}  // namespace

const Resource* Config::resource(std::string_view name) const noexcept {
  const auto found = std::find_if(resources.begin(), resources.end(), [&](const Resource& r) { return r.name == name; });
  return found == resources.end() ? nullptr : &*found;
}

std::shared_ptr<const Config> load_text(std::string_view yaml, std::string_view file_name,
                                        const std::filesystem::path& prefix) {
  const Source source(yaml, file_name);
  auto root = parse_yaml(source);
  // They hold anchors for what stands elsewhere.
  std::erase_if(root.members, [](const Member& member) { return member.key.starts_with("x-"); });
  substitute(root, source, prefix);
  SchemaFiles schemas(source, file_name);
  return std::make_shared<const Config>(read_config(source, root, schemas, prefix));
}

std::shared_ptr<const Config> load(const std::filesystem::path& file, const std::filesystem::path& prefix) {
  std::string text;
  try {
    text = read_file(file, Source::kMaximumSize + 4);  // a byte order mark, and one byte to tell that it is too large
  } catch (const std::exception& error) {
    throw LoadError(file.string() + ":1:1: the file can't be read (" + error.what() + "); allowed: a readable YAML file");
  }
  return load_text(text, file.string(), prefix);
}

}  // namespace nacre::config
