#include "store/sqlite/stored_text.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "json/write.h"

namespace nacre::store::sqlite {
namespace {

/// All texts of up to three of these characters.
std::vector<std::string> short_texts() {
  std::vector<std::string> texts{""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == 3) continue;
    for (const char c : {'\0', '\1', '\2', '\\', 'u', '0', '1'}) texts.push_back(texts[i] + c);
  }
  return texts;
}

std::string in_json(std::string_view text) { return json_text(Json(text)); }

}  // namespace

TEST_CASE("stored texts hold no NUL, and are equal, in order and begin with one another as the texts do") {
  const auto texts = short_texts();
  std::vector<std::string> stored;
  for (const auto& text : texts) {
    stored.push_back(to_stored(text));
    CHECK(stored.back().find('\0') == std::string::npos);
    std::string room;
    CHECK(from_stored(stored.back(), room) == text);
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t j = 0; j < texts.size(); ++j) {
      if ((texts[i] < texts[j]) != (stored[i] < stored[j])) FAIL("the order of " << in_json(texts[i]) << in_json(texts[j]));
      if (texts[i].starts_with(texts[j]) != stored[i].starts_with(stored[j])) FAIL(in_json(texts[i]) << in_json(texts[j]));
    }
  }
}

TEST_CASE("a text in a stored document is the stored text") {
  for (const auto& text : short_texts()) {
    const std::string json = in_json(text);
    std::string room;
    const std::string stored(json_to_stored(json, room));
    CHECK(stored == in_json(to_stored(text)));
    CHECK(json_from_stored(stored, room) == json);
  }
}

TEST_CASE("what was stored before is read as it is") {
  std::string room;
  for (const std::string_view text :
       {R"({"a":"\u0000"})", R"({"a":"\u0001"})", R"({"a":"\u0001b\\"})", R"({"a":"\\u0001\\u0001"})", "\\", ""}) {
    CHECK(json_from_stored(text, room) == text);
  }
  CHECK(from_stored("\1", room) == "\1");
  CHECK(from_stored("a\1b", room) == "a\1b");
}

}  // namespace nacre::store::sqlite
