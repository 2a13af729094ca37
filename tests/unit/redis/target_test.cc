#include "redis/target.h"

#include <doctest/doctest.h>

#include "net/certificates.h"

namespace nacre::redis {

namespace {

Target good(std::string_view uri) {
  auto target = read_target(uri, "/srv/app");
  CAPTURE(uri);
  REQUIRE_MESSAGE(target.has_value(), target.error().detail);
  return *target;
}

std::string wrong(std::string_view uri) {
  const auto target = read_target(uri, "/srv/app");
  return target ? "nothing" : target.error().detail + "; " + target.error().internal;
}

}  // namespace

TEST_SUITE("redis::read_target") {
  TEST_CASE("one server") {
    const Target plain = good("redis://h");
    CHECK(plain.kind == Target::Kind::server);
    CHECK(plain.endpoints == std::vector{net::Endpoint{"h", 6379}});
    CHECK(plain.database == 0);
    CHECK(plain.tls == nullptr);
    const Target full = good("redis://us%65r:p%40s%3as@127.0.0.1:7000/3");
    CHECK(full.endpoints == std::vector{net::Endpoint{"127.0.0.1", 7000}});
    CHECK(full.credentials.user == "user");
    CHECK(full.credentials.password == "p@s:s");
    CHECK(full.database == 3);
    CHECK(good("redis://:secret@[::1]:1/").endpoints == std::vector{net::Endpoint{"::1", 1}});
    CHECK(good("redis://:secret@h").credentials.user.empty());
  }

  TEST_CASE("a Unix socket") {
    const Target target = good("redis+unix://:secret@/run/redis.sock?db=2");
    CHECK(target.endpoints == std::vector{net::Endpoint{"/run/redis.sock", 0}});
    CHECK(target.credentials.password == "secret");
    CHECK(target.database == 2);
  }

  TEST_CASE("Sentinels") {
    const Target target = good("redis+sentinel://u:p@a,b:1,[::1]/mymaster/4?sentinel_user=s&sentinel_password=t%26");
    CHECK(target.kind == Target::Kind::sentinel);
    CHECK(target.endpoints == std::vector<net::Endpoint>{{"a", 26379}, {"b", 1}, {"::1", 26379}});
    CHECK(target.master == "mymaster");
    CHECK(target.database == 4);
    CHECK(target.credentials.user == "u");
    CHECK(target.sentinel_credentials.user == "s");
    CHECK(target.sentinel_credentials.password == "t&");
  }

  TEST_CASE("a cluster") {
    const Target target = good("redis+cluster://:p@a:7000,b:7001");
    CHECK(target.kind == Target::Kind::cluster);
    CHECK(target.endpoints == std::vector<net::Endpoint>{{"a", 7000}, {"b", 7001}});
  }

  TEST_CASE("TLS reads its files at once") {
    net::Authority authority;
    const auto own = authority.issue("client", "");
    CHECK(good("rediss://h").tls != nullptr);
    CHECK(good("rediss://h?ca_file=" + authority.file() + "&cert_file=" + own + "&key_file=" + own).tls != nullptr);
    CHECK(good("rediss://h?verify=none").tls != nullptr);
    CHECK(good("redis://h?tls=true&verify=none").tls != nullptr);
    CHECK(good("redis://h?tls=false").tls == nullptr);
    CHECK(good("rediss://h?verify=ca").tls != nullptr);
    CHECK(good("redis+cluster://h?tls=true&ca_file=" + authority.file()).tls != nullptr);
    CHECK(good("redis+sentinel://h/m?tls=false").tls == nullptr);
    CHECK(wrong("rediss://h?ca_file=ca.pem") ==
          "/srv/app/ca.pem: No such file or directory; allowed: PEM files that can be read");
    CHECK(wrong("rediss://h?verify=some").starts_with("verify has another value"));
    CHECK(wrong("rediss://h?key_file=" + own).starts_with("key_file without cert_file"));
    CHECK(wrong("redis+cluster://h?ca_file=" + authority.file()).starts_with("unknown option"));
  }

  TEST_CASE("what is wrong is said, and what is allowed") {
    CHECK(wrong("redis://") == "no host; allowed: redis://[user:password@]host[:port][/db][?tls=true]");
    CHECK(wrong("redis:h").starts_with("no // after the scheme; "));
    CHECK(wrong("redis://a,b").starts_with("more than one host; "));
    CHECK(wrong("redis://h:0").starts_with("this is no port; "));
    CHECK(wrong("redis://h:65536").starts_with("this is no port; "));
    CHECK(wrong("redis://h:").starts_with("this is no port; "));
    CHECK(wrong("redis://h h").starts_with("this is no host; "));
    CHECK(wrong("redis://[::1").starts_with("a [ without its ]; "));
    CHECK(wrong("redis://h/x").starts_with("the database is no number; "));
    CHECK(wrong("redis://h/1/2").starts_with("the database is no number; "));
    CHECK(wrong("redis://h?timeout=1") == "unknown option; allowed: tls=true, and those of TLS");
    CHECK(wrong("redis://h?timeout").starts_with("an option without a value; "));
    CHECK(wrong("rediss://h?verify=ca&verify=ca").starts_with("an option stands twice; "));
    CHECK(wrong("redis://secret@h").starts_with("a user without a password; "));
    CHECK(wrong("redis://user:@h").starts_with("an empty password; "));
    CHECK(wrong("redis://:a%zz@h").starts_with("a % that encodes nothing; "));
    CHECK(wrong("redis://:a%00@h").starts_with("a NUL; "));
    CHECK(wrong("redis://:p#w@h").starts_with("a # that is not encoded; "));
    CHECK(wrong("redis+unix://h/path").starts_with("no path; "));
    CHECK(wrong("redis+unix:///").starts_with("no path; "));
    CHECK(wrong("redis+sentinel://h").starts_with("no name of a master; "));
    CHECK(wrong("redis+sentinel://h/m?sentinel_user=u").starts_with("sentinel_user without sentinel_password; "));
    CHECK(wrong("redis+cluster://h/1").starts_with("a cluster has one database; "));
    CHECK(wrong("redis+cluster://a,,b").starts_with("no host; "));
    CHECK(wrong("memcached://h").starts_with("unknown scheme; "));
  }

  TEST_CASE("no message holds a secret") {
    for (const auto* uri : {"redis://user:hunter2@", "redis://hunter2@h", "redis://h?hunter2=1", "redis://h?x=hunter2",
                            "redis://u:hunter2@h:x", "hunter2://h", "redis://h/hunter2", "redis://u:hunter2/3@h",
                            "redis://u:hunter2?@h", "redis+sentinel://h/m?sentinel_password=hunter2&x=1"}) {
      CAPTURE(uri);
      CHECK(wrong(uri).find("hunter2") == std::string::npos);
      CHECK(wrong(uri) != "nothing");
    }
  }
}

}  // namespace nacre::redis
