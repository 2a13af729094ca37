#include "redis/resp.h"

#include <doctest/doctest.h>

#include "redis/words.h"

using namespace std::string_literals;

namespace nacre::redis {

namespace {

struct Sink {
  void operator()(Reply&& reply) { replies.push_back(std::move(reply)); }
  std::vector<Reply> replies;
};

std::string encoded(std::initializer_list<std::string_view> words) {
  std::string out;
  append_command(out, words_of(words));
  return out;
}

bool refuses(std::string_view bytes) {
  Resp resp;
  Sink sink;
  return !resp.take(bytes, sink);
}

}  // namespace

TEST_SUITE("redis::Resp") {
  TEST_CASE("a command is an array of bulk strings, of any bytes") {
    CHECK(encoded({"GET", "k"}) == "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    CHECK(encoded({"SET", "", std::string_view("\0\r\n", 3)}) == "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n\0\r\n\r\n"s);
  }

  TEST_CASE("replies of every kind, cut at every byte") {
    const std::string bytes =
        "+OK\r\n-ERR no\r\n:-42\r\n$4\r\na\0\r\n\r\n$-1\r\n*3\r\n$1\r\nx\r\n*2\r\n:1\r\n-ERR in\r\n*-1\r\n*0\r\n$0\r\n\r\n"s;
    const std::vector<Reply> expected{
        Reply::string("OK"),
        Reply::error("ERR no"),
        Reply::integer(-42),
        Reply::string("a\0\r\n"s),
        Reply(),
        Reply::array({Reply::string("x"), Reply::array({Reply::integer(1), Reply::error("ERR in")}), Reply()}),
        Reply::array({}),
        Reply::string("")};
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      Resp resp;
      Sink sink;
      CHECK(resp.take(std::string_view(bytes).substr(0, cut), sink));
      CHECK(resp.take(std::string_view(bytes).substr(cut), sink));
      CHECK(sink.replies == expected);
    }
  }

  TEST_CASE("a bulk string that came whole is read as one that came byte by byte") {
    for (const std::string_view bytes : {"$1\r\nx\r\n$1\r\ny\r\n",
                                         "$1\r\nx\r\n:1\r\n$1\r\ny\r\n",
                                         "$0\r\n\r\n",
                                         "$01\r\nx\r\n",
                                         "$-1\r\n",
                                         "$-0\r\n\r\n",
                                         "$+1\r\nx\r\n",
                                         "$1 \r\nx\r\n",
                                         "$1\nx\r\n",
                                         "$1\r\nxy\r\n",
                                         "$1\r\nx\n\r",
                                         "$2\r\nx\r\n",
                                         "$",
                                         "$\r\n",
                                         "$9x\r\n",
                                         "$5",
                                         "$5\r",
                                         "$5\r\nhello\r",
                                         "$18446744073709551615\r\nx\r\n",
                                         "$99999999999999999999999\r\nx\r\n"}) {
      CAPTURE(bytes);
      Resp whole;
      Resp apart;
      Sink of_whole;
      Sink of_apart;
      const bool good = whole.take(bytes, of_whole);
      bool each_good = true;
      for (std::size_t i = 0; each_good && i < bytes.size(); ++i) each_good = apart.take(bytes.substr(i, 1), of_apart);
      CHECK(good == each_good);
      CHECK(of_whole.replies == of_apart.replies);
    }
  }

  TEST_CASE("a large reply, and many small ones") {
    Resp resp;
    Sink sink;
    const std::string large(3 << 20, 'x');
    CHECK(resp.take("$" + std::to_string(large.size()) + "\r\n" + large + "\r\n", sink));
    REQUIRE(sink.replies.size() == 1);
    CHECK(std::move(sink.replies[0]).take_text() == large);
    std::string many;
    for (int i = 0; i < 100'000; ++i) many += ":1\r\n";
    sink.replies.clear();
    CHECK(resp.take(many, sink));
    CHECK(sink.replies.size() == 100'000);
  }

  TEST_CASE("what is no RESP, or too much of it, is refused") {
    CHECK(refuses("HTTP/1.1 400 Bad Request\r\n\r\n"));
    CHECK(refuses("$x\r\n"));
    CHECK(refuses("*2000000\r\n"));
    std::string deep;
    for (int i = 0; i < 5; ++i) deep += "*1000000\r\n";
    CHECK(refuses(deep));
    deep.clear();
    for (int i = 0; i < Resp::kMostDepth; ++i) deep += "*1\r\n";
    CHECK_FALSE(refuses(deep + ":1\r\n"));
    CHECK(refuses(deep + "*1\r\n"));
    Resp resp;
    Sink sink;
    CHECK(resp.take(std::string_view("$100000000\r\n"), sink));
    const std::string part(1 << 20, 'x');
    int taken = 0;
    while (taken < 100 && resp.take(part, sink)) ++taken;
    CHECK(taken == 63);
  }

  TEST_CASE("a new conversation knows nothing of the old one") {
    Resp resp;
    Sink sink;
    CHECK(resp.take(std::string_view("*2\r\n$5\r\nhal"), sink));
    resp.reset();
    CHECK(resp.take(std::string_view("+OK\r\n"), sink));
    CHECK(sink.replies == std::vector{Reply::string("OK")});
  }

  TEST_CASE("a look at another kind finds nothing") {
    const Reply reply = Reply::integer(7);
    CHECK(reply.text().empty());
    CHECK(reply.items().empty());
    CHECK(Reply::string("x").number() == 0);
    CHECK(Reply().is_nil());
  }
}

}  // namespace nacre::redis
