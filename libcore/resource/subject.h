#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
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

/// A key of the cache and the subject that it belongs to. Bound to the configuration: an answer made under another one is not
/// found.
class CacheKey {
 public:
  static CacheKey document(const config::Config& config, const config::Resource& resource, std::string_view id) {
    return {config, 'd', resource, id, resource.name.size() + 1 + id.size()};
  }
  static CacheKey list(const config::Config& config, const config::Resource& resource, std::string_view query) {
    return {config, 'l', resource, query, resource.name.size()};
  }

  std::string_view text() const noexcept { return {text_.data(), text_.size()}; }
  std::string_view subject() const noexcept { return text().substr(kSubjectAt, subject_size_); }

 private:
  static constexpr std::size_t kSubjectAt = sizeof(std::uint64_t) + 1;

  CacheKey(const config::Config& config, char kind, const config::Resource& resource, std::string_view name,
           std::size_t subject_size)
      : subject_size_(subject_size) {
    const auto append = [this](std::string_view part) { text_.insert(text_.end(), part.begin(), part.end()); };
    append({reinterpret_cast<const char*>(&config.fingerprint), sizeof config.fingerprint});
    append({&kind, 1});
    append(resource.name);
    append("/");
    append(name);
  }

  boost::container::small_vector<char, 160> text_;
  std::size_t subject_size_;
};

}  // namespace nacre::resource
