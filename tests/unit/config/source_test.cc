#include "config/source.h"

#include <doctest/doctest.h>

#include <string>

using namespace nacre::config;

namespace {

std::string refusal(const std::string& text) {
  try {
    Source(text, "nacre.yaml");
  } catch (const LoadError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_SUITE("config::Source") {
  TEST_CASE("a message names file, line and column from 1, what is wrong and what is allowed") {
    const Source source("version: 1\ndebug: maybe\n", "conf/nacre.yaml");
    CHECK_THROWS_WITH_AS(source.fail({1, 7}, "bad", "allowed: true"), "conf/nacre.yaml:2:8: bad; allowed: true", LoadError);
  }

  TEST_CASE("columns count characters, not bytes") {
    const Source source("é: ü: x\n", "n");
    CHECK_THROWS_WITH_AS(source.fail({0, 4}, "a", "b"), "n:1:4: a; b", LoadError);
  }

  TEST_CASE("a byte order mark is not part of the text") {
    const Source source("\xEF\xBB\xBFversion: 1", "n");
    CHECK(source.text() == "version: 1");
  }

  TEST_CASE("text of exactly 1 MiB is read, one byte more is refused") {
    CHECK(refusal(std::string(Source::kMaximumSize, '#')) == "accepted");
    CHECK(refusal(std::string(Source::kMaximumSize + 1, '#')) ==
          "nacre.yaml:1:1: the file is too large; allowed: at most 1 MiB");
  }

  TEST_CASE("the first byte that is not UTF-8 is located") {
    CHECK(refusal("a: é\nb: \xE9\n").starts_with("nacre.yaml:2:4: not UTF-8;"));
    CHECK(refusal("a: \xC0\xAF").starts_with("nacre.yaml:1:4: not UTF-8;"));          // overlong
    CHECK(refusal("a: \xED\xA0\x80").starts_with("nacre.yaml:1:4: not UTF-8;"));      // surrogate
    CHECK(refusal("a: \xF4\x90\x80\x80").starts_with("nacre.yaml:1:4: not UTF-8;"));  // over U+10FFFF
    CHECK(refusal("a: \xF0\x9F\x98").starts_with("nacre.yaml:1:4: not UTF-8;"));      // cut short
    CHECK(refusal("a: \xF4\x8F\xBF\xBF \xE2\x82\xAC") == "accepted");
  }

  TEST_CASE("control characters are located") {
    CHECK(refusal(std::string("a: \0", 4)).starts_with("nacre.yaml:1:4: control character;"));
    CHECK(refusal("a: b\n\x7F").starts_with("nacre.yaml:2:1: control character;"));
    CHECK(refusal("a: b\r\nc: d\r\n") == "accepted");
  }

  TEST_CASE("a tab may stand anywhere but in indentation") {
    CHECK(refusal("a:\n\tb: 1\n").starts_with("nacre.yaml:2:1: a tab"));
    CHECK(refusal("a:\n  \t b: 1").starts_with("nacre.yaml:2:3: a tab"));
    CHECK(refusal("a:\tb\t# c\n\t\n \t\r\n") == "accepted");
    CHECK(refusal(std::string(Source::kMaximumSize, '\t')) == "accepted");
  }

  TEST_CASE("quoting escapes control characters and cuts between characters") {
    CHECK(quote("a\nb\x7F") == "\"a\\x0ab\\x7f\"");
    std::string long_text(59, 'x');
    CHECK(quote(long_text + "é" + long_text) == "\"" + long_text + "…\"");
  }
}
