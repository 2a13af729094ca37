#include "schema/ecma_regex.h"

#include <doctest/doctest.h>

#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "schema/pattern.h"

using nacre::schema::Pattern;

namespace {

/// "yes", "no", or why there is no such pattern.
std::string found(std::string_view pattern, std::string_view text) {
  const auto compiled = Pattern::compile(pattern);
  if (!compiled) return compiled.error().detail;
  return compiled->search(text, Pattern::Effort::great) == Pattern::Found::yes ? "yes" : "no";
}

}  // namespace

TEST_CASE("What ECMA-262 has works as it says") {
  struct Case {
    std::string_view pattern, yes, no;
  };
  const Case cases[] = {
      {R"(^\d$)", "7", "\xD9\xA3"},  // ARABIC-INDIC DIGIT THREE is no \d
      {R"(^\w$)", "a", "\xC3\xA9"},  // nor é a \w
      {R"(^\W$)", "\xC3\xA9", "a"},
      {R"(^\s$)", "\xEF\xBB\xBF", "\xC2\x85"},  // ZWNBSP is space, NEL is not
      {R"(^\s$)", "\xC2\xA0", "\xE2\x80\x8B"},
      {R"(^[\S]$)", "x", "\xE2\x80\xA8"},
      {R"(^[^\S]$)", "\xE3\x80\x80", "x"},
      {R"(^\cJ$)", "\n", "J"},
      {R"(^\0$)", std::string_view{"\0", 1}, "0"},
      {R"(^\x41\u0042\u{43}$)", "ABC", "abc"},
      {R"(^\ud83d\ude00$)", "\xF0\x9F\x98\x80", "x"},
      {R"(^[\ud83d\ude00-\ud83d\ude02]$)", "\xF0\x9F\x98\x81", "\xF0\x9F\x98\x83"},
      {R"(^[^\ud800-\udfff]+$)", "abc", ""},
      {R"(^(?<year>\d{4})-\k<year>$)", "2026-2026", "2026-2027"},
      {R"(^(a)?\1b$)", "b", "ab"},
      {R"(^\2(a)(b)$)", "ab", "bab"},
      {R"(^(?<=x)a|(?<!x)b$)", "b", "xb"},
      {"^[^]$", "\n", ""},
      {"^a[]?$", "a", "b"},
      {R"(^\p{L}\p{Letter}\P{Lu}$)",
       "\xC3\xA9"
       "ab",
       "1ab"},
      {R"(^\p{Script=Greek}+$)", "\xCE\xB1\xCE\xB2", "ab"},
      {R"(^\p{gc=Decimal_Number}$)", "\xD9\xA3", "a"},
      {R"(^[\p{Alphabetic}_]\p{Emoji_Presentation}$)", "_\xF0\x9F\x98\x80", "__"},
      {R"(^\p{ASCII}\p{Any}\p{Assigned}$)", "aaa",
       "\xC3\xA9"
       "aa"},
      {R"(\bcat\b)", "a cat.", "concat"},
      {R"(^\/\-\_\@\.\ $)", "/-_@. ", "/-_@x "},
      {R"(^[\w-.]+$)", "a-b.c", "a b"},
      {R"(^[\-\]\\^]+$)", "-]\\^", "["},
      {"^a$", "a", "a\n"},
      {"^.$", "x", "\xE2\x80\xA9"},
      {"^.$", "\xC2\x85", "\r"},
      {"^a{,2}]}$", "a{,2}]}", "aa"},
      {"^a{2,3}?$", "aaa", "a"},
      {R"(^\12\8$)",
       "\n"
       "8",
       "12"},
      {"^(?:a|b|)$", "", "c"},
      {"^[a-z&&[^x]]", "a]", "-"},
      {"^#a b#$", "#a b#", "#ab#"},
      {R"([\b])", "\b", "b"},
  };
  for (const auto& [pattern, yes, no] : cases) {
    const std::string shown(pattern);  // a lambda can't take the binding
    CAPTURE(shown);
    CHECK(found(pattern, yes) == "yes");
    CHECK(found(pattern, no) == "no");
  }
}

TEST_CASE("What ECMA-262 does not have is refused") {
  for (const std::string_view pattern : {"a++",
                                         "a*+",
                                         "a?+",
                                         "(?i)a",
                                         "(?i:a)",
                                         R"(\Aa)",
                                         R"(a\Z)",
                                         R"(a\z)",
                                         R"(\h)",
                                         R"(\R)",
                                         R"(\X)",
                                         R"(\G)",
                                         R"(\K)",
                                         "[[:alpha:]]",
                                         "[^[:space:]x]",
                                         "(?>a)",
                                         "(?#c)",
                                         "(?R)",
                                         "(?1)",
                                         "(?&n)",
                                         R"(\Qa\E)",
                                         "(*UTF)a",
                                         "(*FAIL)",
                                         "(?P<n>a)",
                                         "(?'n'a)",
                                         "(?|a|b)",
                                         R"(\p{Greek})",
                                         R"(\p{Xan})",
                                         R"(\pL)",
                                         R"(\p{L)",
                                         R"(\p{^L})",
                                         R"(\g{1})",
                                         R"(\k{n})",
                                         R"(\k<n>)",
                                         R"(\o{12})",
                                         R"(\x{41})",
                                         R"(\N)",
                                         R"(\a)",
                                         R"(\e)",
                                         R"(\u12)",
                                         R"(\u{110000})",
                                         R"(\c1)",
                                         "[b-a]",
                                         "a{2,1}",
                                         "(",
                                         ")",
                                         "[a",
                                         "*a",
                                         "a**",
                                         R"(\)",
                                         "(?<n>a)(?<n>b)",
                                         "(?(1)a|b)",
                                         "(?<=a)*",
                                         "^*"}) {
    CAPTURE(std::string(pattern));
    const auto compiled = Pattern::compile(pattern);
    REQUIRE(compiled.has_error());
    CHECK(compiled.error().detail.starts_with("at byte "));
    CHECK_FALSE(nacre::schema::is_regex(pattern));
  }
}

TEST_CASE("Whatever is taken for a regular expression of ECMA-262 is one for PCRE2, once translated") {
  constexpr const char* kParts[] = {"\\", "(", "?",      ")",          "[",   "]",       "^",       "-",   "{1,2}",
                                    "*",  "+", "\\p{L}", "\\u{1F600}", "\\d", "(?<a>",   "\\k<a>",  "\\1", "$",
                                    ".",  "a", "b",      "\xC3\xA9",   "|",   "\\ud83d", "\\ude00", "(?=", "\\cA",
                                    "{",  "}", "\\0",    "[\\w-]",     "\\b", "(?!",     "\\S",     "[^"};
  std::mt19937 random(1);
  std::size_t good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string pattern;
    for (auto parts = random() % 10; parts < 11; ++parts) pattern += kParts[random() % std::size(kParts)];
    if (!nacre::schema::is_regex(pattern)) continue;
    CAPTURE(pattern);
    ++good;
    const auto compiled = Pattern::compile(pattern);
    if (!compiled) FAIL(compiled.error().detail);
    compiled->search("a\xC3\xA9 b1\xF0\x9F\x98\x80", Pattern::Effort::great);
  }
  CHECK(good > 1'000);
}
