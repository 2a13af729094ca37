#include "mongo/message_filter.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>

#include "base/function_ref.h"
#include "mongo/bson_reader.h"
#include "mongo/message.h"
#include "mongo/scripted_server.h"

namespace nacre::mongo {
namespace {

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string of_seven(std::uint32_t opcode, const std::string& document) { return message(opcode, document, 7, 7); }

/// What comes through of the answer to a command of that kind, which comes in pieces of `size` bytes; "refused" if it is.
std::string let_through(std::uint32_t asked, const std::string& answer, std::size_t size) {
  MessageFilter filter;
  filter.asked(of_seven(asked, ok()));
  std::string through;
  for (std::size_t at = 0; at < answer.size(); at += size) {
    if (!filter.add(std::string_view(answer).substr(at, size))) return "refused";
    std::array<char, 5> some;
    while (filter.has_some()) through.append(some.data(), filter.take(some));
  }
  return through;
}

}  // namespace

TEST_CASE("libmongoc gets whole messages, however they come") {
  const std::string reply = of_seven(kOpReply, ok());
  const std::string answer = of_seven(kOpMsg, ok());
  for (const std::size_t size : {1, 7, 1'000}) {
    CHECK(let_through(kOpQuery, reply, size) == reply);
    CHECK(let_through(kOpMsg, answer, size) == answer);
    CHECK(let_through(kOpMsg, answer + answer, size) == answer + answer);
    CHECK(let_through(kOpMsg, answer.substr(0, answer.size() - 1), size).empty());
  }
}

TEST_CASE("libmongoc gets no answer to what was asked before") {
  const std::string reply = of_seven(kOpReply, ok());
  MessageFilter filter;
  filter.asked(of_seven(kOpQuery, ok()));
  REQUIRE(filter.add(reply + reply));
  std::string through(reply.size(), '\0');
  CHECK(filter.take(through) == reply.size());
  filter.asked(message(kOpMsg, ok(), 8, 7));
  CHECK_FALSE(filter.has_some());
  CHECK_FALSE(filter.add(message(kOpMsg, ok(), 9, 7)));
}

TEST_CASE("libmongoc gets no message that it could not bear") {
  const auto refused = [](std::uint32_t asked, const std::string& answer) {
    return let_through(asked, answer, 1) == "refused";
  };
  CHECK(refused(kOpMsg, of_seven(kOpReply, ok())));
  CHECK(refused(kOpQuery, of_seven(kOpMsg, ok())));
  CHECK(refused(kOpMsg, of_seven(kOpMsg, ok() + ok())));
  CHECK(refused(kOpMsg, of_seven(kOpMsg, "")));
  CHECK(refused(kOpMsg, of_seven(kOpMsg, std::string("\x06\0\0\0\x0A\0", 6))));
  for (const std::size_t place : {0, 16, 20}) {  // the length, the flags, the section's kind
    std::string spoiled = of_seven(kOpMsg, ok());
    spoiled[place] = '\x0B';
    CHECK(refused(kOpMsg, spoiled));
  }
  const std::string inner = bson_of([](BsonWriter& bson) { bson.int32("n", 1); });
  const auto outer = [](std::string_view inside) { return bson_of([&](BsonWriter& bson) { bson.raw("d", inside); }); };
  CHECK_FALSE(refused(kOpMsg, of_seven(kOpMsg, outer(inner))));
  CHECK(refused(kOpMsg, of_seven(kOpMsg, outer(inner.substr(0, inner.size() - 1) + '\1'))));
}

TEST_CASE("libmongoc gets no member whose address is none, and no list of texts with anything else") {
  const auto hello = [](FunctionRef<void(BsonWriter&)> member, const char* name = "hosts") {
    const auto list = [&](BsonWriter& bson) { bson.array(name, [&] { member(bson); }); };
    return let_through(kOpQuery, of_seven(kOpReply, bson_of(list)), 100);
  };
  for (const char* const address : {"db1:27017", "db-2.example_x.org", "127.0.0.1:1", "[::1]:65535", "[fe80::1%eth0]"}) {
    CAPTURE(address);
    CHECK(hello([&](BsonWriter& bson) { bson.string("0", address); }) != "refused");
  }
  for (const char* const address :
       {"", ":", ":1", "db1:", "db1:0", "db1:65536", "db1:2a", "a b", "a/b", "::1", "[::1", "[]:1", "[::1]1"}) {
    CAPTURE(address);
    CHECK(hello([&](BsonWriter& bson) { bson.string("0", address); }) == "refused");
  }
  CHECK(hello([](BsonWriter& bson) { bson.string("0", std::string(254, 'x')); }) == "refused");
  for (const char* const name : {"hosts", "compression"}) {
    CHECK(hello([](BsonWriter& bson) { bson.int32("0", 5); }, name) == "refused");
  }
}

TEST_CASE("the scope of code is looked into as other documents are") {
  const auto code = [](std::string_view scope) {
    std::string value;
    put(value, static_cast<std::uint32_t>(4 + 6 + scope.size()));
    put(value, std::uint32_t{2});
    value.append("f\0", 2).append(scope);
    return bson_of([&](BsonWriter& bson) { bson.raw("c", value, BsonType::code_with_scope); });
  };
  CHECK(is_valid(code(std::string("\5\0\0\0\0", 5))));
  CHECK_FALSE(is_valid(code(std::string("\5\0\0\0\1", 5))));
  CHECK_FALSE(is_valid(code(std::string("\6\0\0\0\0", 5))));
}

}  // namespace nacre::mongo
