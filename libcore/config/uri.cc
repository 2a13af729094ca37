#include "config/uri.h"

#include <algorithm>
#include <span>
#include <system_error>

#include "config/reader.h"
#include "mongo/target.h"

namespace nacre::config {
namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr std::string_view kMemory = "memory:";
constexpr std::string_view kSqliteForms = "allowed: sqlite:PATH, sqlite:PATH?synchronous=normal";
constexpr std::string_view kStores = "allowed: sqlite:PATH, sqlite:PATH?synchronous=normal, mongodb://HOST/DATABASE";
constexpr std::string_view kCaches =
    "allowed: memory:, redis://, rediss://, redis+unix://, redis+sentinel://, redis+cluster://";

constexpr std::string_view kStoreSchemes[] = {kSqlite, "mongodb:", "mongodb+srv:"};
constexpr std::string_view kCacheSchemes[] = {kMemory, "redis:", "rediss:", "redis+unix:", "redis+sentinel:", "redis+cluster:"};

/// The URI, whose scheme is one that is served.
std::string_view read_uri(const Source& source, const Value& value, std::span<const std::string_view> schemes,
                          std::string_view allowed) {
  constexpr std::string_view kSchemeCharacters = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
  // A URI that is no string may be a list of hosts with passwords: say nothing of it.
  if (value.kind != Value::Kind::scalar) source.fail(value.mark, "uri: " + describe(value) + " is not a string", allowed);
  const std::string_view uri = value.text;
  const auto end = uri.find_first_not_of(kSchemeCharacters);
  if (end == std::string_view::npos || end == 0 || uri[end] != ':') source.fail(value.mark, "uri: this is no URI", allowed);
  const auto name = uri.substr(0, end + 1);
  if (std::find(schemes.begin(), schemes.end(), name) == schemes.end()) {
    const auto shown = value.substituted() ? describe(value) : quote(name);
    source.fail(value.mark, "uri: unknown scheme " + shown, allowed);
  }
  return uri;
}

constexpr std::string_view kMongo =
    "allowed: mongodb://[USER:PASSWORD@]HOST[:PORT],.../DATABASE[?OPTION=VALUE&...], "
    "mongodb+srv://[USER:PASSWORD@]NAME/DATABASE[?...]";

Store read_mongo_uri(const Source& source, const Value& value, const std::filesystem::path& prefix) {
  auto target = mongo::Target::make(value.text, prefix);
  if (!target) source.fail(value.mark, "uri: " + target.error().detail, kMongo);
  return {.uri = value.text, .mongo = std::make_shared<const mongo::Target>(std::move(*target))};
}

}  // namespace

Store read_store_uri(const Source& source, const Value& value, const std::filesystem::path& prefix) {
  const auto uri = read_uri(source, value, kStoreSchemes, kStores);
  if (!uri.starts_with(kSqlite)) return read_mongo_uri(source, value, prefix);
  const auto rest = uri.substr(kSqlite.size());
  const auto question = std::min(rest.find('?'), rest.size());
  const auto path = rest.substr(0, question);
  const auto options = rest.substr(question);
  if (path.starts_with("//")) source.fail(value.mark, "uri: sqlite: takes a path, without //", kSqliteForms);
  if (path.empty() || path.ends_with('/')) source.fail(value.mark, "uri: sqlite: names no file", kSqliteForms);
  if (path.front() == ':') source.fail(value.mark, "uri: a database in memory is not shared by the workers", kSqliteForms);
  if (path.find('\0') != std::string_view::npos) source.fail(value.mark, "uri: NUL in a path", kSqliteForms);
  if (!options.empty() && options != "?synchronous=full" && options != "?synchronous=normal") {
    source.fail(value.mark, "uri: unknown option", "allowed: synchronous=full, synchronous=normal");
  }
  const auto file = (prefix / path).lexically_normal();
  std::error_code unknown;
  if (std::filesystem::is_directory(file, unknown)) source.fail(value.mark, "uri: sqlite: names a folder", kSqliteForms);
  return {.uri = std::string(kSqlite).append(file.string()).append(options)};
}

std::shared_ptr<redis::Target> read_cache_uri(const Source& source, const Value& value, const std::filesystem::path& prefix) {
  const auto uri = read_uri(source, value, kCacheSchemes, kCaches);
  if (uri == kMemory) return nullptr;
  if (uri.starts_with(kMemory)) source.fail(value.mark, "uri: memory: takes nothing after it", kCaches);
  auto target = redis::read_target(uri, prefix);
  if (!target) source.fail(value.mark, "uri: " + target.error().detail, target.error().internal);
  return std::make_shared<redis::Target>(std::move(*target));
}

}  // namespace nacre::config
