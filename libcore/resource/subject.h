#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace nacre::resource {

/// What a write invalidates: the document, and all lists of its resource (cache/zone.h).
inline std::string document_subject(std::string_view resource, std::string_view id) {
  std::string subject;
  subject.reserve(resource.size() + id.size() + 1);
  return subject.append(resource).append(1, '/').append(id);
}
inline std::string document_subject(const config::Resource& resource, std::string_view id) {
  return document_subject(resource.name, id);
}
inline std::string_view list_subject(const config::Resource& resource) { return resource.name; }

/// A key of the cache: bound to the configuration, so that an answer made under another one is not found.
inline std::string cache_key(const config::Config& config, const config::Resource& resource, char kind, std::string_view name) {
  std::string key(reinterpret_cast<const char*>(&config.fingerprint), sizeof config.fingerprint);
  key.reserve(key.size() + resource.name.size() + name.size() + 2);
  return key.append(1, kind).append(resource.name).append(1, '/').append(name);
}

}  // namespace nacre::resource
