#include "redis/slots.h"

#include <doctest/doctest.h>

namespace nacre::redis {

namespace {

std::optional<std::string_view> key(std::initializer_list<std::string_view> words) { return key_of(words_of(words)); }

}  // namespace

TEST_SUITE("redis::slots") {
  TEST_CASE("a key's slot is that of the specification") {
    CHECK(slot_of("123456789") == 0x31C3);
    CHECK(slot_of("foo") == 12182);
    CHECK(slot_of("") == 0);
    CHECK(slot_of("{user1000}.following") == slot_of("{user1000}.followers"));
    CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
    CHECK(slot_of("foo{}{bar}") != slot_of("bar"));
    CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
    CHECK(slot_of("foo{bar}{zap}") == slot_of("bar"));
    CHECK(slot_of("foo{bar") != slot_of("bar"));
  }

  TEST_CASE("the key of a command") {
    CHECK(key({"GET", "k"}) == "k");
    CHECK(key({"set", "k", "v"}) == "k");
    CHECK(key({"EVALSHA", "x", "2", "a", "b", "c"}) == "a");
    CHECK(key({"eval", "return 1", "0", "c"}) == std::nullopt);
    CHECK(key({"PUBLISH", "c", "m"}) == std::nullopt);
    CHECK(key({"PING"}) == std::nullopt);
    CHECK(key({"OBJECT", "ENCODING", "k"}) == "k");
  }

  TEST_CASE("the reply to CLUSTER SLOTS") {
    const auto node = [](std::string host, std::int64_t port) {
      return Reply::array({Reply::string(std::move(host)), Reply::integer(port), Reply::string("id")});
    };
    const auto range = [](std::int64_t first, std::int64_t last, Reply master) {
      return Reply::array({Reply::integer(first), Reply::integer(last), std::move(master)});
    };
    const net::Endpoint asked{"h", 1};
    const auto slots =
        read_slots(Reply::array({range(0, 5460, node("10.0.0.1", 7000)), range(5461, 16383, node("", 7001)),
                                 range(3, 2, node("a", 1)), range(0, 16384, node("a", 1)), range(0, 1, node("?", 1)), Reply()}),
                   asked);
    REQUIRE(slots.has_value());
    CHECK(*slots == std::vector<SlotRange>{{0, 5460, {"10.0.0.1", 7000}}, {5461, 16383, {"h", 7001}}});
    CHECK(read_slots(Reply::array({}), asked).error().internal == "h:1: knows of no slots");
    CHECK(read_slots(Reply::error("ERR off"), asked).error().internal == "h:1: ERR off");
  }

  TEST_CASE("redirections") {
    const net::Endpoint asked{"h", 1};
    const auto moved = read_redirection("MOVED 3999 127.0.0.1:6381", asked);
    REQUIRE(moved);
    CHECK(moved->for_good);
    CHECK(moved->slot == 3999);
    CHECK(moved->to == net::Endpoint{"127.0.0.1", 6381});
    CHECK(read_redirection("ASK 0 :6381", asked)->to == net::Endpoint{"h", 6381});
    CHECK_FALSE(read_redirection("ASK 0 ::1:6381", asked)->for_good);
    for (const auto* none :
         {"ERR MOVED", "MOVED", "MOVED 16384 h:1", "MOVED x h:1", "MOVED 1 h", "MOVED 1 h:0", "MOVED 1 h:x", ""}) {
      CAPTURE(none);
      CHECK_FALSE(read_redirection(none, asked));
    }
  }
}

}  // namespace nacre::redis
