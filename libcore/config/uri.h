#pragma once

#include <filesystem>
#include <string>

#include "config/yaml.h"

/// Where data lives. Messages name the scheme of a URI and nothing else of it: a user and a password may stand anywhere.
namespace nacre::config {

/// Checks `store.uri`. `sqlite:PATH` and `sqlite:PATH?synchronous=full|normal` come back with an absolute PATH.
std::string read_store_uri(const Source& source, const Value& value, const std::filesystem::path& prefix);

/// Checks `cache.uri`.
std::string read_cache_uri(const Source& source, const Value& value);

}  // namespace nacre::config
