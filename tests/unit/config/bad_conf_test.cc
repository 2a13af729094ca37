#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config/load.h"

using namespace nacre::config;

namespace {

namespace fs = std::filesystem;

const fs::path folder = NACRE_BAD_CONF;

std::vector<fs::path> yaml_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string message_about(const std::string& yaml, const std::string& name) {
  try {
    load_text(yaml, name, folder);
  } catch (const LoadError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_SUITE("config::bad_conf") {
  TEST_CASE("each bad configuration is refused with its message, line and column") {
    constexpr std::string_view kExpect = "# expect: ";
    const auto files = yaml_files();
    CHECK(files.size() >= 40);
    for (const auto& file : files) {
      const auto yaml = read(file);
      const auto name = file.filename().string();
      CAPTURE(name);
      REQUIRE(yaml.starts_with(kExpect));
      CHECK(message_about(yaml, name) == name + ":" + yaml.substr(kExpect.size(), yaml.find('\n') - kExpect.size()));
    }
  }

  TEST_CASE("the good configuration beside them loads") {
    CHECK(message_about(read(folder / "good/nacre.yaml"), "good.yaml") == "accepted");
  }
}
