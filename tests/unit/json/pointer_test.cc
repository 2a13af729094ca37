#include "json/pointer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using nacre::append_pointer_token;
using nacre::parse_array_index;
using nacre::parse_pointer;
using Tokens = std::vector<std::string>;

TEST_CASE("Pointers are taken apart as RFC 6901 §5 says") {
  CHECK(parse_pointer("") == Tokens{});
  CHECK(parse_pointer("/foo/0") == Tokens{"foo", "0"});
  CHECK(parse_pointer("/") == Tokens{""});
  CHECK(parse_pointer("//") == Tokens{"", ""});
  CHECK(parse_pointer("/a~1b") == Tokens{"a/b"});
  CHECK(parse_pointer("/c%d") == Tokens{"c%d"});
  CHECK(parse_pointer("/m~0n") == Tokens{"m~n"});
  CHECK(parse_pointer("/~01") == Tokens{"~1"});
}

TEST_CASE("Malformed pointers are refused") {
  for (const char* text : {"a", "a/b", "#", "#/a", "/~", "/~2", "/a~/b", "/~~0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_pointer(text));
  }
}

TEST_CASE("A pointer put together is taken apart again") {
  std::string pointer;
  for (const char* token : {"a/b", "m~n", "", "~1", "é"}) append_pointer_token(pointer, token);
  append_pointer_token(pointer, 12U);
  CHECK(pointer == "/a~1b/m~0n//~01/é/12");
  CHECK(parse_pointer(pointer) == Tokens{"a/b", "m~n", "", "~1", "é", "12"});
}

TEST_CASE("Array indexes are digits without a leading zero") {
  CHECK(parse_array_index("0") == 0U);
  CHECK(parse_array_index("10") == 10U);
  for (const char* token : {"", "-", "00", "01", "-1", "+1", "1a", " 1", "1 ", "1e1", "99999999999999999999999999"}) {
    CAPTURE(token);
    CHECK_FALSE(parse_array_index(token));
  }
}
