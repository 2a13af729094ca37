#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What may stand in nacre.yaml: one table, from which reading takes the keys of a section and docs/configuration.md is made.
namespace nacre::config {

struct Key {
  std::string_view name;
  std::string_view values;     ///< what may stand there
  std::string_view otherwise;  ///< the value when the key is absent, as it would be written; "" when there is none
  std::string_view text;       ///< what it does
};

/// The keys of one section; a constant, so that the table takes no room on a stack.
class Keys {
 public:
  constexpr Keys(std::initializer_list<Key> keys) : size_(keys.size()) { std::copy(keys.begin(), keys.end(), all_.begin()); }
  constexpr const Key* begin() const noexcept { return all_.data(); }
  constexpr const Key* end() const noexcept { return all_.data() + size_; }

 private:
  std::array<Key, 16> all_{};
  std::size_t size_;
};

struct Section {
  std::string_view name;     ///< "cache", "resources.NAME.cache"
  std::string_view example;  ///< a whole nacre.yaml with `{}` where the section's mapping stands
  std::string_view text;
  Keys keys;
};

std::span<const Section> sections();

/// The keys of a section, in the order of the table. The section must be there.
std::vector<std::string_view> keys_of(std::string_view section);

/// docs/configuration.md.
std::string reference_page();

}  // namespace nacre::config
