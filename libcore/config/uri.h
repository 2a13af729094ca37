#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "config/config.h"
#include "config/yaml.h"
#include "redis/target.h"

/// Where data lives. Messages name the scheme of a URI and nothing else of it: a user and a password may stand anywhere.
namespace nacre::config {

/// Checks `store.uri`. `sqlite:PATH` and `sqlite:PATH?synchronous=full|normal` come back with an absolute PATH; what a
/// `mongodb:` URI names is read.
Store read_store_uri(const Source& source, const Value& value, const std::filesystem::path& prefix);

/// Checks `cache.uri`, and reads the files that it names: where Redis is, or nullptr for `memory:`.
std::shared_ptr<redis::Target> read_cache_uri(const Source& source, const Value& value, const std::filesystem::path& prefix);

}  // namespace nacre::config
