#include "config/substitute.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace nacre::config;

namespace {

/// A folder of its own, gone with the test.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("nacre-substitute-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name, std::ios::binary) << text; }
};

struct Variable {
  const char* name;
  Variable(const char* n, const char* value) : name(n) { ::setenv(n, value, 1); }
  ~Variable() { ::unsetenv(name); }
};

Value substituted(const std::string& yaml, const std::filesystem::path& prefix = "/nowhere") {
  const Source source(yaml, "n");
  auto root = parse_yaml(source);
  substitute(root, source, prefix);
  return root;
}

std::string text(const std::string& scalar, const std::filesystem::path& prefix = "/nowhere") {
  return substituted("a: '" + scalar + "'", prefix).members[0].value.text;
}

std::string refusal(const std::string& scalar, const std::filesystem::path& prefix = "/nowhere") {
  try {
    text(scalar, prefix);
  } catch (const LoadError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_SUITE("config::substitute") {
  TEST_CASE("variables are replaced anywhere in a string") {
    const Variable variable("NACRE_TEST_A", "one");
    CHECK(text("${NACRE_TEST_A}") == "one");
    CHECK(text("x${NACRE_TEST_A}y${NACRE_TEST_A}z") == "xoneyonez");
    CHECK(text("$NACRE_TEST_A $ {NACRE_TEST_A} }{") == "$NACRE_TEST_A $ {NACRE_TEST_A} }{");
    CHECK(text("${NACRE_TEST_A:-two}") == "one");
  }

  TEST_CASE("a default stands in for a variable that is unset or empty") {
    const Variable empty("NACRE_TEST_EMPTY", "");
    CHECK(text("${NACRE_TEST_NONE:-a b:-c}") == "a b:-c");
    CHECK(text("${NACRE_TEST_EMPTY:-two}") == "two");
    CHECK(text("${NACRE_TEST_NONE:-}").empty());
    CHECK(text("${NACRE_TEST_EMPTY}").empty());
  }

  TEST_CASE("$${ stands for ${") {
    CHECK(text("$${NACRE_TEST_NONE}") == "${NACRE_TEST_NONE}");
    CHECK(text("$$${x}$") == "$${x}$");
  }

  TEST_CASE("what was substituted is not substituted again, and can't become YAML") {
    const Variable variable("NACRE_TEST_A", "${NACRE_TEST_B}\nb: { c: 1 }");
    const auto root = substituted("a: \"${NACRE_TEST_A}\"");
    REQUIRE(root.members.size() == 1);
    CHECK(root.members[0].value.text == "${NACRE_TEST_B}\nb: { c: 1 }");
    CHECK(root.members[0].value.written == "${NACRE_TEST_A}");
  }

  TEST_CASE("keys are left as they are, all values are replaced") {
    const Variable variable("NACRE_TEST_A", "one");
    const auto root = substituted("'${NACRE_TEST_A}': [ '${NACRE_TEST_A}', { b: '${NACRE_TEST_A}' } ]\n");
    CHECK(root.members[0].key == "${NACRE_TEST_A}");
    CHECK(root.members[0].value.items[0].text == "one");
    CHECK(root.members[0].value.items[1].members[0].value.text == "one");
  }

  TEST_CASE("a file's text is read without the end of its last line") {
    const Folder folder;
    folder.write("unix", "secret\n");
    folder.write("dos", "secret\r\n");
    folder.write("two", "a\n\n");
    folder.write("bare", "secret");
    CHECK(text("${file:unix}!", folder.path) == "secret!");
    CHECK(text("${file:dos}", folder.path) == "secret");
    CHECK(text("${file:two}", folder.path) == "a\n");
    CHECK(text("${file:" + (folder.path / "bare").string() + "}") == "secret");
  }

  TEST_CASE("files that can't be a secret are refused") {
    const Folder folder;
    folder.write("binary", std::string("a\0b", 3));
    folder.write("latin", "\xE9");
    folder.write("large", std::string((64 << 10) + 1, 'x'));
    folder.write("largest", std::string(64 << 10, 'x'));
    CHECK(refusal("${file:binary}", folder.path) == "n:1:4: \"${file:binary}\" is not text; allowed: UTF-8 without NUL");
    CHECK(refusal("${file:latin}", folder.path).find("is not text") != std::string::npos);
    CHECK(refusal("${file:large}", folder.path).find("is too large") != std::string::npos);
    CHECK(refusal("${file:largest}", folder.path) == "accepted");
    CHECK(refusal("${file:}", folder.path).find("is no regular file") != std::string::npos);
    CHECK(refusal("${file:/dev/zero}").find("is no regular file") != std::string::npos);
    CHECK(refusal("${file:none}", folder.path).find("can't be read") != std::string::npos);
  }

  TEST_CASE("malformed references are refused at their value") {
    CHECK(refusal("${NACRE_TEST_NONE}") ==
          "n:1:4: the variable NACRE_TEST_NONE is not set; allowed: a variable that is set, or ${NACRE_TEST_NONE:-default}");
    CHECK(refusal("a ${NAME").starts_with("n:1:4: ${ without }"));
    for (const auto* reference : {"${}", "${1A}", "${A-B}", "${:-x}", "${A B}", "${A:+x}", "${é}"}) {
      CAPTURE(reference);
      CHECK(refusal(reference).find("names no variable") != std::string::npos);
    }
  }

  TEST_CASE("the sum of what is substituted is bounded") {
    const Folder folder;
    folder.write("large", std::string(64 << 10, 'x'));
    std::string yaml = "a:\n";
    for (int i = 0; i < 257; ++i) yaml += "- '${file:large}'\n";
    CHECK_THROWS_WITH_AS(substituted(yaml, folder.path), "n:258:3: too much is substituted; allowed: 16 MiB in all", LoadError);
  }
}
