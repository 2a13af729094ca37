#include "config/json_text.h"

#include <doctest/doctest.h>

#include <iterator>
#include <random>
#include <string>

#include "config/reader.h"
#include "json/parse.h"

using namespace nacre;
using namespace nacre::config;

namespace {

/// The value as JSON text, or nothing.
std::string read_json(const std::string& text) {
  try {
    const Source source(text, "n", std::make_shared<Findings>(), Source::Syntax::json);
    return json_text(schema_json(source, parse_json_text(source)));
  } catch (const LoadError&) {
    return {};
  }
}

std::string expected_json(const std::string& text) {
  const auto value = parse_json(text);
  return value ? json_text(*value) : std::string{};
}

}  // namespace

TEST_CASE("A file of JSON is read as a request's body is") {
  const std::string seed =
      R"({"a":[1,-2.5e+3,0,true,false,null,"é\ud83d\ude00\"\\\/\b\f\n\r\t\u00e9"],"b":{"c":{},"d":[]},"":" ", "e" : [ [ 0.1 ] ]})";
  constexpr const char* kParts[] = {"{", "}", "[", "]", "\"", "\\",       "\\u", "\\ud83d", "0",
                                    "-", ".", "e", ",", ":",  "\xC3\xA9", "\n",  "\xFF",    "tru"};
  CHECK(read_json(seed) == expected_json(seed));
  std::mt19937 random(1);
  std::size_t good = 0;
  for (int i = 0; i < 5'000; ++i) {
    auto text = seed;
    for (auto changes = random() % 2; changes < 2; ++changes) {
      const auto at = random() % text.size();
      if (random() % 2 == 0) {
        text.erase(at, 1 + random() % 3);
      } else {
        text.insert(at, kParts[random() % std::size(kParts)]);
      }
    }
    CAPTURE(text);
    CHECK(read_json(text) == expected_json(text));
    good += expected_json(text).empty() ? 0 : 1;
  }
  CHECK(good > 300);
}
