#include "config/keys.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "config/load.h"

using namespace nacre::config;

namespace {

/// The section's example with this in its mapping.
std::string with(const Section& section, const std::string& inside) {
  std::string yaml(section.example);
  return yaml.replace(yaml.rfind("{}"), 2, "{" + inside + "}");
}

std::vector<std::string> mistakes_of(const std::string& yaml) {
  try {
    load_text(yaml, "n", "/srv");
  } catch (const LoadError& error) {
    return error.messages();
  }
  return {};
}

}  // namespace

TEST_SUITE("config::keys") {
  TEST_CASE("each section reads the keys of the table, and no others") {
    for (const auto& section : sections()) {
      CAPTURE(std::string(section.name));
      std::string allowed;
      for (const auto& key : section.keys) allowed.append(allowed.empty() ? "; allowed: " : ", ").append(key.name);
      bool told = false;
      for (const auto& message : mistakes_of(with(section, " no_such_key: 1 "))) {
        told = told || (message.find("unknown key \"no_such_key\"") != std::string::npos && message.ends_with(allowed));
      }
      CHECK_MESSAGE(told, "keys.cc must list what the section reads: ", mistakes_of(with(section, " no_such_key: 1 ")).at(0));
    }
  }

  TEST_CASE("what stands for an absent key is what may be written") {
    for (const auto& section : sections()) {
      for (const auto& key : section.keys) {
        if (key.otherwise.empty()) continue;
        CAPTURE(std::string(section.name));
        CAPTURE(std::string(key.name));
        // "[]" is YAML's own; anything else is quoted where it must be.
        const std::string value(key.otherwise);
        for (const auto& message : mistakes_of(with(section, " " + std::string(key.name) + ": " + value + " "))) {
          CHECK_MESSAGE(message.find(std::string(key.name) + ":") == std::string::npos, message);
        }
      }
    }
  }

  TEST_CASE("the page is the one that the table gives (NACRE_WRITE_DOCS=1 writes it)") {
    const std::string file = NACRE_DOCS "/configuration.md";
    if (std::getenv("NACRE_WRITE_DOCS") != nullptr) std::ofstream(file, std::ios::binary) << reference_page();
    std::ifstream stream(file, std::ios::binary);
    CHECK(std::string(std::istreambuf_iterator<char>(stream), {}) == reference_page());
  }
}
