#include "config/uri_part.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "config/load.h"

using namespace nacre::config;

namespace {

/// What `${X}` becomes in a URI when X holds every delimiter there is.
std::string part(const std::string& written, const std::string& text = "p@s:/?#[&=%,] é") {
  return as_uri_part(written, written.find("${X"), text);
}

}  // namespace

TEST_SUITE("config::as_uri_part") {
  TEST_CASE("a user, a password and an option hold no delimiter") {
    const std::string encoded = "p%40s%3A%2F%3F%23%5B%26%3D%25%2C%5D%20%C3%A9";
    CHECK(part("redis://u:${X}@h/0") == encoded);
    CHECK(part("redis://${X}:p@h") == encoded);
    CHECK(part("mongodb://${USER:-a@b}:${X}@h1,h2/db?tls=true") == encoded);
    CHECK(part("rediss://h?key_password=${X}&verify=full") == encoded);
  }

  TEST_CASE("hosts keep what joins them, paths their slashes") {
    CHECK(part("mongodb://${X}/db", "h1:1,[::1]:2/x") == "h1:1,[::1]:2%2Fx");
    CHECK(part("redis+unix://${X:-/tmp/s}?db=1", "/run/a b") == "%2Frun%2Fa%20b");
    CHECK(part("redis+unix:///${X}?db=1", "run/a b") == "run/a%20b");
  }

  TEST_CASE("a whole URI, its begin, and a path of SQLite stay as they are") {
    CHECK(part("${X}") == part("sqlite:${X}/nacre.db"));
    CHECK(part("${X}", "redis://u:p@h/1") == "redis://u:p@h/1");
    CHECK(part("${X}/1?tls=true", "redis://u:p@h") == "redis://u:p@h");
  }
}

TEST_CASE("A password from the environment may hold any character") {
  ::setenv("NACRE_TEST_PASSWORD", "p@s:/?#[%41] \xC3\xA9", 1);
  const auto config = load_text("version: 1\ncache: { uri: \"redis://u:${NACRE_TEST_PASSWORD}@h/3\" }\n", "n", "/srv");
  CHECK(config->cache.redis->credentials.password == "p@s:/?#[%41] \xC3\xA9");
  CHECK(config->cache.redis->database == 3);
  ::unsetenv("NACRE_TEST_PASSWORD");
}
