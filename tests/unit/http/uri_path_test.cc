#include "http/uri_path.h"

#include <doctest/doctest.h>

using nacre::http::encode_path;
using nacre::http::normalize_path;
using nacre::http::prefix_before;

TEST_CASE("a request target's path is what nginx makes of it") {
  const auto path = [](std::string_view target) { return normalize_path(target, true); };
  CHECK(path("/notes") == "/notes");
  CHECK(path("/notes?after=/x#y") == "/notes");
  CHECK(path("/notes#x") == "/notes");
  CHECK(path("/a%2Fb%20c") == "/a/b c");
  CHECK(path("/100%") == "/100%");
  CHECK(path("/a%2") == "/a%2");
  CHECK(path("/a//b///c") == "/a/b/c");
  CHECK(path("/a/./b/../c") == "/a/c");
  CHECK(path("/a/b/..") == "/a/");
  CHECK(path("/a/.") == "/a/");
  CHECK(path("/a/") == "/a/");
  CHECK(path("/%2e%2E/a") == "/a");
  CHECK(path("/") == "/");
  CHECK(path("") == "/");
  CHECK(normalize_path("//a//b", false) == "//a//b");
  CHECK(normalize_path("/a//", false) == "/a//");
}

TEST_CASE("an encoded path holds nothing that ends a URI or a header") {
  CHECK(encode_path("/v1/a-b_c.d~e") == "/v1/a-b_c.d~e");
  CHECK(encode_path("/a b\r\n<>\"\\%?#") == "/a%20b%0D%0A%3C%3E%22%5C%25%3F%23");
  CHECK(encode_path("/\xC3\xA4") == "/%C3%A4");
  CHECK(encode_path(std::string_view("\0", 1)) == "%00");
}

TEST_CASE("what stands before a path is the client's prefix") {
  CHECK(prefix_before("/notes", "/api/notes?limit=1", true) == "/api");
  CHECK(prefix_before("/notes", "/notes", true) == "");
  CHECK(prefix_before("/notes/a/b", "/x/y/notes/a%2fb", true) == "/x/y");
  CHECK(prefix_before("/notes", "/a//b/../notes", true) == "/a");
  CHECK(prefix_before("/notes", "/a%20%0d%0aX:y/notes", true) == "/a%20%0D%0AX:y");
}

TEST_CASE("a target that does not end with the path has no prefix") {
  CHECK_FALSE(prefix_before("/notes", "/other", true));
  CHECK_FALSE(prefix_before("/notes", "/api/notes/", true));
  CHECK_FALSE(prefix_before("/notes", "/apinotes", true));
  CHECK_FALSE(prefix_before("", "/api", true));
  CHECK_FALSE(prefix_before("notes", "/api/notes", true));
}

TEST_CASE("a prefix never names another host") {
  CHECK(prefix_before("/notes", "//evil.example/notes", true) == "/evil.example");
  CHECK(prefix_before("/notes", "//evil.example/notes", false) == "/evil.example");
  CHECK(prefix_before("/notes", "///notes", false) == "");
  CHECK(prefix_before("/notes", "/%5Cevil.example/notes", true) == "/%5Cevil.example");
  CHECK(prefix_before("/notes", "/%2F%2Fevil.example/notes", false) == "/evil.example");
}
