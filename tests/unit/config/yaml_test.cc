#include "config/yaml.h"

#include <doctest/doctest.h>

#include <string>

using namespace nacre::config;

namespace {

Value parse(const std::string& text) { return parse_yaml(Source(text, "n")); }

std::string refusal(const std::string& text) {
  try {
    parse(text);
  } catch (const LoadError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_SUITE("config::parse_yaml") {
  TEST_CASE("values know their kind, their text and where they stand") {
    const auto root = parse("version: 1\nlist: [a, 'b']\nnone:\nquoted: \"5\"\n");
    REQUIRE(root.kind == Value::Kind::mapping);
    REQUIRE(root.members.size() == 4);
    CHECK(root.members[0].key == "version");
    CHECK(root.members[0].value.plain);
    const auto& list = root.find("list")->value;
    REQUIRE(list.items.size() == 2);
    CHECK(list.items[1].text == "b");
    CHECK_FALSE(list.items[1].plain);
    CHECK(list.items[1].mark.line == 1);
    CHECK(list.items[1].mark.column == 10);
    CHECK(root.find("none")->value.kind == Value::Kind::null);
    CHECK(root.find("none")->value.mark.line == 2);
    CHECK_FALSE(root.find("quoted")->value.plain);
    CHECK(root.find("nothing") == nullptr);
  }

  TEST_CASE("an alias is a copy that stands where its anchor does") {
    const auto root = parse("a: &x { ttl: 5s }\nb: *x\n");
    const auto& copy = root.find("b")->value;
    REQUIRE(copy.find("ttl") != nullptr);
    CHECK(copy.find("ttl")->value.text == "5s");
    CHECK(copy.find("ttl")->value.mark.line == 0);
  }

  TEST_CASE("a merge key gives the keys that are not there, a quoted one is a key like others") {
    const auto merged =
        parse("a: &x { b: 1, d: 1 }\ne: &y { d: 2, f: 2 }\nc: { <<: *x, b: 3 }\ng:\n  <<: [ *y, *x ]\nh: { '<<': 1 }\n");
    const auto& one = merged.find("c")->value;
    CHECK(one.members.size() == 2);
    CHECK(one.find("b")->value.text == "3");
    CHECK(one.find("d")->value.text == "1");
    const auto& two = merged.find("g")->value;
    CHECK(two.members.size() == 3);
    CHECK(two.find("d")->value.text == "2");
    CHECK(merged.find("h")->value.members[0].key == "<<");
    CHECK(refusal("a: { <<: [ 1 ] }").starts_with("n:1:12: << needs a mapping"));
  }

  TEST_CASE("escapes of surrogates are one character between double quotes, and text elsewhere") {
    const auto root = parse("a: \"\\ud83d\\uDE00!\"\nb: '\\ud83d'\nc: [\"\\\\ud83d\", \"\\uD834\\udd1e\"]\nd: \\uDE00\n");
    CHECK(root.find("a")->value.text == "\xF0\x9F\x98\x80!");
    CHECK(root.find("b")->value.text == "\\ud83d");
    CHECK(root.find("c")->value.items[0].text == "\\ud83d");
    CHECK(root.find("c")->value.items[1].text == "\xF0\x9D\x84\x9E");
    CHECK(root.find("d")->value.text == "\\uDE00");
    CHECK(refusal("a: \"\\ude00\\ud83d\"").starts_with("n:1:4: a surrogate escape without its other half"));
    CHECK(refusal("a: \"\\ud83d\\ude00\"\nb: \"\\ue83d\"").starts_with("n:1:1: escapes of surrogates and"));
  }

  TEST_CASE("tabs may indent between brackets, as JSON is pasted, and nowhere else") {
    CHECK(parse("a: {\n\t\"b\": [\n\t\t1 ]\n\t}\nc: d").find("a")->value.find("b")->value.items.size() == 1);
    CHECK(refusal("a: { \"}\": 1 } # {\n\tb: 1\n").starts_with("n:2:1: a tab indents this line"));
    CHECK(refusal("a: b [c\n\td: 1\n").starts_with("n:2:1: a tab indents this line"));
  }

  TEST_CASE("ends of lines may be those of Windows, and a byte order mark may stand first") {
    const auto root = parse(
        "\xEF\xBB\xBF"
        "a: 1\r\nb:\r\n  - \"x\"\r\n  - y\r\n");
    CHECK(root.find("a")->value.text == "1");
    CHECK(root.find("b")->value.items[1].text == "y");
  }

  TEST_CASE("duplicate keys are refused in every mapping, quoted or not") {
    CHECK(refusal("a: 1\nb: 2\n'a': 3\n") == "n:3:1: the key \"a\" stands here twice; allowed: each key once");
    CHECK(refusal("a: { b: [ { c: 1, c: 2 } ] }").starts_with("n:1:19: the key \"c\""));
    CHECK(refusal("a: 1\n\"b\\n\": 1\n\"b\\n\": 1\n").starts_with("n:3:1: the key \"b\\x0a\""));
  }

  TEST_CASE("quotes that the end of the file closes are refused") {
    CHECK(refusal("a: \"x\n").starts_with("n:1:4: a string that does not end"));
    CHECK(refusal("a: 'it''s\n").starts_with("n:1:4: a string that does not end"));
    CHECK(refusal("a: \"x\\\"\n").starts_with("n:1:4: a string that does not end"));
    CHECK(refusal("a: &x \"x\n").starts_with("n:1:4: a string that does not end"));
    CHECK(parse("a: 'it''s'\nb: \"x\\\\\"\nc: |\n  \"x\n").find("c")->value.text == "\"x\n");
  }

  TEST_CASE("aliases can't make a large tree or a deep one of a small file") {
    std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c < 'j'; ++c) {
      const std::string previous = std::string("*") + static_cast<char>(c - 1);
      bomb += std::string(1, c) + ": &" + c + " [" + previous;
      for (int i = 0; i < 9; ++i) bomb += "," + previous;
      bomb += "]\n";
    }
    CHECK(refusal(bomb).find(": too many values;") != std::string::npos);
    const auto nested = [](const std::string& inner) { return std::string(40, '[') + inner + std::string(40, ']'); };
    CHECK(refusal("a: &a " + nested("x") + "\nb: " + nested("*a") + "\n").find(": nested too deeply;") != std::string::npos);
    CHECK(refusal("a: &a [*a]\n").starts_with("n:1:8: an alias inside"));
  }

  TEST_CASE("64 levels are read, 65 are not") {
    CHECK(refusal(std::string(64, '[') + "x" + std::string(64, ']')) == "accepted");
    CHECK(refusal(std::string(65, '[') + "x" + std::string(65, ']')) ==
          "n:1:65: nested too deeply; allowed: at most 64 levels");
    CHECK(refusal(std::string(100'000, '[')).find(": nested too deeply;") != std::string::npos);
  }

  TEST_CASE("a syntax error of yaml-cpp is told like any other mistake") {
    CHECK(refusal("a: {b: 1\n").starts_with("n:"));
    CHECK(refusal("a: \"\\q\"\n") == "n:1:7: not YAML (unknown escape character: q); allowed: YAML 1.2");
    CHECK(refusal("a: 1\n- b\n") == "n:2:1: this does not continue the mapping; allowed: `key: value` lines, indented alike");
  }

  TEST_CASE("tags, several documents and no document are refused") {
    CHECK(refusal("a: !!str 5\n").starts_with("n:1:4: a tag;"));
    CHECK(refusal("a: !x [1]\n").starts_with("n:1:4: a tag;"));
    CHECK(refusal("a: 1\n---\nb: 1\n").starts_with("n:2:1: a second document;"));
    CHECK(refusal("").starts_with("n:1:1: the file is empty;"));
    CHECK(refusal("# only this\n").starts_with("n:1:1: the file is empty;"));
    CHECK(refusal("---\na: 1\n...\n") == "accepted");
  }
}
