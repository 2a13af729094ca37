#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nacre::cache {

/// What an answer is cached under, and the subject that it belongs to: a document, or all lists of a resource. A write ends the
/// subjects that it changes, and with them all that is cached under their keys.
class Key {
 public:
  enum class Kind : char { document = 'd', list = 'l' };

  /// The subject of a document; `resource` alone is that of its lists.
  template <class Text>
  static void append_subject(Text& to, std::string_view resource, std::string_view id) {
    to.insert(to.end(), resource.begin(), resource.end());
    to.push_back('/');
    to.insert(to.end(), id.begin(), id.end());
  }

  /// `fingerprint` is the configuration's: an answer that was made under another one is not found.
  static Key document(std::uint64_t fingerprint, std::string_view resource, std::string_view id) {
    return {fingerprint, Kind::document, resource, id, resource.size() + 1 + id.size()};
  }
  static Key list(std::uint64_t fingerprint, std::string_view resource, std::string_view query) {
    return {fingerprint, Kind::list, resource, query, resource.size()};
  }

  std::string_view text() const noexcept { return {text_.data(), text_.size()}; }
  std::string_view subject() const noexcept { return text().substr(kKindAt + 1, subject_size_); }
  Kind kind() const noexcept { return static_cast<Kind>(text_[kKindAt]); }
  /// The key without its kind and the fingerprint: `notes/5f…` or `notes/limit=25`.
  std::string_view name() const noexcept { return text().substr(kKindAt + 1); }
  std::uint64_t fingerprint() const noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, text_.data(), sizeof value);
    return value;
  }

 private:
  static constexpr std::size_t kKindAt = sizeof(std::uint64_t);

  Key(std::uint64_t fingerprint, Kind kind, std::string_view resource, std::string_view name, std::size_t subject_size)
      : subject_size_(subject_size) {
    text_.resize(kKindAt + 1 + resource.size() + 1 + name.size(), boost::container::default_init);
    char* to = text_.data();
    std::memcpy(to, &fingerprint, sizeof fingerprint);
    to[kKindAt] = static_cast<char>(kind);
    to += kKindAt + 1;
    to += resource.copy(to, resource.size());
    *to++ = '/';
    name.copy(to, name.size());
  }

  boost::container::small_vector<char, 160> text_;
  std::size_t subject_size_;
};

}  // namespace nacre::cache
