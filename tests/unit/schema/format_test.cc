#include "schema/format.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>

using nacre::schema::Format;
using nacre::schema::format_named;
using nacre::schema::has_format;

namespace {

void check(std::string_view name, std::initializer_list<std::string_view> good, std::initializer_list<std::string_view> bad) {
  const auto format = format_named(name);
  REQUIRE(format);
  CAPTURE(name);
  for (const auto text : good) {
    CAPTURE(text);
    CHECK(has_format(*format, text));
  }
  for (const auto text : bad) {
    CAPTURE(text);
    CHECK_FALSE(has_format(*format, text));
  }
}

}  // namespace

TEST_CASE("Dates and times") {
  check("date-time", {"2026-01-02T03:04:05Z", "1998-12-31T23:59:60Z"}, {"", "2026-01-02", "2026-02-30T00:00:00Z"});
  check("date", {"2026-01-02", "2024-02-29", "0000-01-01"},
        {"", "2023-02-29", "2026-1-2", "2026-01-02T", "2026-01-021", "20260102"});
  check("time", {"03:04:05Z", "03:04:05.678+01:00", "23:59:60Z", "00:59:60+01:00"},
        {"", "03:04:05", "3:04:05Z", "24:00:00Z", "12:00:60Z", "03:04Z", "03:04:05Zx"});
}

TEST_CASE("E-mail addresses") {
  check("email", {"joe@example.com", "te~st.x+y@sub.example.org", "a@localhost", "joe@[127.0.0.1]", "joe@[IPv6:::1]"},
        {"", "joe", "@example.com", "joe@", ".joe@example.com", "joe.@example.com", "jo..e@example.com", "jo e@example.com",
         "joe@exa mple.com", "joe@-example.com", "a@b@c", "joe@[300.0.0.1]", "joe@[", "joé@example.com", "joe@example.com\n"});
  CHECK_FALSE(has_format(Format::email, std::string(65, 'a') + "@example.com"));
}

TEST_CASE("Host names") {
  check("hostname", {"example.com", "a", "xn--nxasmq6b", "1.2.3.4.5", "a-b.c"},
        {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "é.com"});
  CHECK(has_format(Format::hostname, std::string(63, 'a')));
  CHECK_FALSE(has_format(Format::hostname, std::string(64, 'a')));
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  CHECK(has_format(Format::hostname, longest.substr(0, 253)));
  CHECK_FALSE(has_format(Format::hostname, longest + "aa"));
}

TEST_CASE("Addresses") {
  check("ipv4", {"127.0.0.1", "255.255.255.255"},
        {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "0x7f.0.0.1", "1.2.3.4 ", "::1", "127.1"});
  check("ipv6", {"::1", "::", "2001:db8::ff00:42:8329", "::ffff:192.0.2.1"},
        {"", "1.2.3.4", "::1%eth0", "12345::", ":::", "1:2:3:4:5:6:7:8:9", "::1/64", "[::1]"});
  CHECK_FALSE(has_format(Format::ipv4, std::string_view{"1.2.3.4\0", 8}));
  CHECK_FALSE(has_format(Format::ipv6, std::string_view{"::1\0", 4}));
}

TEST_CASE("URIs") {
  check(
      "uri",
      {"http://example.com/a?b=c#d", "urn:isbn:0451450523", "mailto:a@b.c", "http://[2001:db8::7]:80/", "http://[v1.fe80::a]/",
       "ftp://u:p@h/x", "file:///etc/hosts", "http://h/%C3%A9", "tel:+1-816-555-1212", "http://a?b@c"},
      {"", "//example.com/a", "/a", "a", "http://a b", "http://a/<x>", "http://h/%zz", "http://h/%4", ":a", "1http://a",
       "http://h:port/", "http://[::1", "http://é/", "http://a\\b", "http://[::1]x/", "\\\\share"});
  check("uri-reference", {"", "/a/b", "a/b", "?q", "#f", "//host/a", "http://h", "../x", "a:b", "./a:b"},
        {"\\a", "a b", "#a#b", "1a:b", "/%", "a\"b"});
}

TEST_CASE("UUIDs, regular expressions and pointers") {
  check("uuid", {"2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"},
        {"", "2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g",
         "2eb8aa0-8aa98-11ea-b4aa-73b441d16380"});
  check("regex",
        {"", "^a[b-c]+(d|e)$", "\\u00e9\\d", "(?<year>\\d{4})-\\k<year>", "[^]", "[]", "a{,2}", "{", "x{2,}?",
         "(?=a)(?!b)(?<=c)", "\\p{Lu}", "[\\]]"},
        {});
  check("regex", {"\\/", "\\cA", "\\x41", "\\u{1F600}", "\\0", "\\1", "a??", "(a)*", "[a]+"},
        {"(",  ")",   "(a))", "[a",    "a{2,1}", "*a",  "a**",  "|?",   "(?a)", "(?<>a)", "(?<1>a)",
         "\\", "\\Z", "\\a",  "\\u12", "\\xg0",  "\\p", "\\p{", "\\c1", "[\\",  "(*)"});
  CHECK(has_format(Format::regex, std::string(100'000, '(') + std::string(100'000, ')')));
  check("json-pointer", {"", "/", "/a~0b/~1"}, {"a", "/~", "/~2", "#/a"});
}

TEST_CASE("Unknown formats have no name here") {
  CHECK_FALSE(format_named("datetime"));
  CHECK_FALSE(format_named(""));
  CHECK_FALSE(format_named("none"));
}
