#include "config/scalar.h"

#include <doctest/doctest.h>

#include <limits>

using namespace nacre;
using namespace nacre::config;

TEST_SUITE("config::scalar") {
  TEST_CASE("plain text is typed by the core schema of YAML 1.2") {
    CHECK(parse_plain("") == Json(nullptr));
    CHECK(parse_plain("~") == Json(nullptr));
    CHECK(parse_plain("Null") == Json(nullptr));
    CHECK(parse_plain("true") == Json(true));
    CHECK(parse_plain("FALSE") == Json(false));
    CHECK(parse_plain("-12") == Json(-12));
    CHECK(parse_plain("+12") == Json(12));
    CHECK(parse_plain("007") == Json(7));
    CHECK(parse_plain("0x1F") == Json(31));
    CHECK(parse_plain("0o17") == Json(15));
    CHECK(parse_plain("-1.5e3") == Json(-1500.0));
    CHECK(parse_plain("+.5") == Json(0.5));
    CHECK(parse_plain("1.") == Json(1.0));
    for (const auto* text : {"yes", "off",   "tRUE", "nUll", "1_000",    "0x",        "0o8", "1e",  ".",     "-",    "+", "--1",
                             "+-1", "1.2.3", "inf",  "nan",  "infinity", "-infinity", "5s",  "0b1", "-0x1F", "1e5x", " 1"}) {
      CAPTURE(text);
      CHECK(parse_plain(text) == Json(text));
    }
  }

  TEST_CASE("integers are exact up to 64 bits, and not cut beyond") {
    CHECK(parse_plain("9223372036854775807") == Json(std::numeric_limits<std::int64_t>::max()));
    CHECK(parse_plain("-9223372036854775808") == Json(std::numeric_limits<std::int64_t>::min()));
    CHECK(parse_plain("18446744073709551615") == Json(std::numeric_limits<std::uint64_t>::max()));
    CHECK_FALSE(parse_plain("18446744073709551616"));
    CHECK_FALSE(parse_plain("-9223372036854775809"));
    CHECK_FALSE(parse_plain("0x10000000000000000"));
    CHECK_FALSE(parse_plain(".inf"));
    CHECK_FALSE(parse_plain("-.INF"));
    CHECK_FALSE(parse_plain(".nan"));
  }

  TEST_CASE("a duration is an integer and a unit") {
    CHECK(parse_duration("250ms") == Milliseconds{250});
    CHECK(parse_duration("5s") == Milliseconds{5'000});
    CHECK(parse_duration("5m") == Milliseconds{300'000});
    CHECK(parse_duration("24h") == Milliseconds{86'400'000});
    CHECK(parse_duration("14d") == Milliseconds{1'209'600'000});
    CHECK(parse_duration("0s") == Milliseconds{0});
    CHECK(parse_duration("10000d").has_value());
    for (const auto* text : {"", "5", "s", "-5s", "+5s", "1.5s", "5 s", "5S", "5sec", "5w", "5us", " 5s", "5s ", "10001d",
                             "99999999999999999999s", "9223372036854775807d", "5s5s"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_duration(text));
    }
  }

  TEST_CASE("a duration is shown in the largest unit that divides it, and reads back") {
    for (const auto* text : {"1ms", "250ms", "90s", "10m", "36h", "365d", "0s"}) {
      CAPTURE(text);
      CHECK(format_duration(parse_duration(text).value()) == text);
    }
    CHECK(format_duration(Milliseconds{60'000}) == "1m");
  }

  TEST_CASE("a rate is a count for a unit of time") {
    const auto rate = parse_rate("100/m");
    REQUIRE(rate);
    CHECK(rate->count == 100);
    CHECK(rate->period == Milliseconds{60'000});
    CHECK(parse_rate("50/s")->period == Milliseconds{1'000});
    CHECK(parse_rate("1000000/h")->period == Milliseconds{3'600'000});
    CHECK(parse_rate("5/d")->period == Milliseconds{86'400'000});
    for (const auto* text : {"", "/", "5", "5/", "/s", "0/s", "-1/s", "1.5/s", "5/ms", "5/w", "5 / s", "1000001/s", "5/s/s",
                             "5r/s", "99999999999/s"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_rate(text));
    }
  }

  TEST_CASE("an access rule is one of five words") {
    using Kind = AccessRule::Kind;
    CHECK(parse_access_rule("public")->kind == Kind::anyone);
    CHECK(parse_access_rule("user")->kind == Kind::user);
    CHECK(parse_access_rule("owner")->kind == Kind::owner);
    CHECK(parse_access_rule("nobody")->kind == Kind::nobody);
    const auto role = parse_access_rule("role:site.admin_2-x");
    REQUIRE(role);
    CHECK(role->kind == Kind::role);
    CHECK(role->role == "site.admin_2-x");
    CHECK(parse_access_rule("role:" + std::string(64, 'a')));
    CHECK_FALSE(parse_access_rule("role:" + std::string(65, 'a')));
    for (const auto* text : {"", "Public", "anyone", "role", "role:", "role:a b", "role:a,b", "user ", "roles:admin"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_access_rule(text));
    }
  }

  TEST_CASE("an index key is a dotted path with an order") {
    const auto key = parse_index_key("-author.name");
    REQUIRE(key);
    CHECK(key->path == "author.name");
    CHECK(key->descending);
    CHECK_FALSE(parse_index_key("title")->descending);
    CHECK(parse_index_key("_created"));
    CHECK(parse_index_key("-_id")->path == "_id");
    CHECK(parse_index_key("author._name"));
    for (const auto* text : {"", "-", ".", "a.", ".a", "a..b", "$a", "a.$b", "_secret", "_id.x", "a\nb"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_index_key(text));
    }
    CHECK_FALSE(parse_index_key(std::string(201, 'a')));
  }

  TEST_CASE("names of resources and cookies") {
    for (const auto* name : {"notes", "a", "n-1_x"}) CHECK(is_resource_name(name));
    for (const auto* name : {"", "Notes", "1n", "_n", "-n", "no tes", "nötes", "n.m", "n/m"})
      CHECK_FALSE(is_resource_name(name));
    CHECK_FALSE(is_resource_name(std::string(65, 'a')));
    for (const auto* name : {"nacre_session", "__Host-s", "a.b"}) CHECK(is_token(name));
    for (const auto* name : {"", "a b", "a;b", "a=b", "a,b", "\"a\"", "é"}) CHECK_FALSE(is_token(name));
  }
}
