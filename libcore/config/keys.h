#pragma once

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

struct Section {
  std::string_view name;     ///< "cache", "resources.NAME.cache"
  std::string_view example;  ///< a whole nacre.yaml with `{}` where the section's mapping stands
  std::string_view text;
  std::vector<Key> keys;
};

std::span<const Section> sections();

/// The keys of a section, in the order of the table. The section must be there.
std::vector<std::string_view> keys_of(std::string_view section);

/// docs/configuration.md.
std::string reference_page();

}  // namespace nacre::config
