#include "net/http_client.h"

#include <doctest/doctest.h>

#include <optional>

#include "net/loop.h"
#include "net/peer.h"

namespace nacre::net {

namespace {

/// Turns the loop until another thread has brought `condition` about.
void wait_for(Loop& loop, const std::function<bool()>& condition) {
  bool done = false;
  const auto tick = loop.reactor.timer([] {});
  loop.reactor.run_until([&] {
    done = condition();
    if (!done) tick->arm(loop.reactor.now() + Milliseconds{1});
    return done;
  });
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Sends one request on a fiber of its own.
Result<HttpResponse> send(Loop& loop, HttpClient& client, HttpRequest request) {
  Result<HttpResponse> answer = Failure(Error::internal, "not answered");
  loop.run([&] { answer = client.send(std::move(request)); });
  return answer;
}

}  // namespace

TEST_CASE("an answer comes with its status, headers and body") {
  std::string seen;
  Peer peer([&](Peer::Connection& connection) {
    seen = connection.read_request().value_or("");
    connection.answer("not here", "X-Reason: none\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n", "404 Not Found");
  });
  Loop loop;
  HttpClient client(loop.reactor);
  const auto answer = send(loop, client, {.url = peer.url("/a?b=c"), .headers = {{"X-Mine", "1"}, {"X-Empty", ""}}});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 404);
  CHECK(answer->body == "not here");
  CHECK(answer->header("x-reason") == "none");
  CHECK(answer->header("x-other") == std::nullopt);
  CHECK(answer->headers.size() == 4);
  CHECK(seen.starts_with("GET /a?b=c HTTP/1.1\r\n"));
  CHECK(contains(seen, "\r\nUser-Agent: nacre/"));
  CHECK(contains(seen, "\r\nX-Mine: 1\r\n"));
  CHECK(contains(seen, "\r\nX-Empty:\r\n"));
}

TEST_CASE("methods and bodies are sent as they are given") {
  std::string seen;
  Peer peer([&](Peer::Connection& connection) {
    while (auto request = connection.read_request()) {
      seen = *request;
      connection.answer(seen.starts_with("HEAD") ? "" : "ok");
    }
  });
  Loop loop;
  HttpClient client(loop.reactor);
  for (const char* method : {"POST", "PUT", "PATCH", "REPORT"}) {
    const std::string body = std::string("a\0b", 3) + std::string(5000, 'x');
    REQUIRE(send(loop, client, {.method = method, .url = peer.url(), .body = body}).has_value());
    CHECK(seen.starts_with(std::string(method) + " / HTTP/1.1\r\n"));
    CHECK(contains(seen, "\r\nContent-Length: 5003\r\n"));
    CHECK(seen.ends_with("\r\n\r\n" + body));
    CHECK_FALSE(contains(seen, "Expect:"));
    CHECK_FALSE(contains(seen, "Content-Type:"));
  }
  REQUIRE(send(loop, client, {.method = "POST", .url = peer.url()}).has_value());
  CHECK(contains(seen, "\r\nContent-Length: 0\r\n"));
  for (const char* method : {"HEAD", "DELETE", "OPTIONS"}) {
    REQUIRE(send(loop, client, {.method = method, .url = peer.url()}).has_value());
    CHECK(seen.starts_with(std::string(method) + " / HTTP/1.1\r\n"));
    CHECK_FALSE(contains(seen, "Content-Length"));
  }
  loop.run([&] { CHECK(client.post_json(peer.url(), Json{{"a", 1}}).has_value()); });
  CHECK(contains(seen, "\r\nContent-Type: application/json\r\n"));
  CHECK(seen.ends_with("\r\n\r\n{\"a\":1}"));
}

TEST_CASE("a connection is used again, idles unwatched, and closes with the client") {
  Peer peer(always("hello"));
  Loop loop;
  std::optional<HttpClient> client(std::in_place, loop.reactor);
  loop.run([&] {
    for (int i = 0; i < 5; ++i) {
      const auto answer = client->get(peer.url());
      CHECK(answer.has_value());
      CHECK(loop.reactor.watches == 0);
    }
  });
  CHECK(peer.accepted() == 1);
  CHECK(loop.idle());
  CHECK(peer.ended() == 0);
  client.reset();
  wait_for(loop, [&] { return peer.ended() == 1; });
}

TEST_CASE("a slow answer ends with the request's timeout or the fiber's deadline, and its connection") {
  Peer peer([](Peer::Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    connection.wait_until_closed();
  });
  Loop loop;
  HttpClient client(loop.reactor);
  loop.run([&] {
    const auto answer = client.send({.url = peer.url(), .timeout = Milliseconds{200}});
    REQUIRE(!answer);
    CHECK(answer.error().error == Error::deadline);
    CHECK_FALSE(fiber::cancelled());
    CHECK(fiber::sleep(Milliseconds{0}));  // the fiber itself has time left
  });
  loop.run([&] { CHECK(client.get(peer.url()).error().error == Error::deadline); }, Milliseconds{200});
  wait_for(loop, [&] { return peer.ended() == 2; });
  CHECK(loop.idle());
}

TEST_CASE("a request whose deadline has passed is not sent") {
  Peer peer(always("hello"));
  Loop loop;
  HttpClient client(loop.reactor);
  loop.run([&] { CHECK(client.get(peer.url()).error().error == Error::deadline); }, Milliseconds{0});
  CHECK(loop.idle());
  CHECK(peer.accepted() == 0);
}

TEST_CASE("an answer that breaks off, is over the bounds or is none at all is unavailable") {
  std::string answer;
  Peer peer([&](Peer::Connection& connection) {
    connection.read_request();
    connection.write(answer);
  });
  Loop loop;
  HttpClient client(loop.reactor, {.max_body = 1000, .max_head = 500});
  const auto fails = [&](std::string text) {
    answer = std::move(text);
    const auto result = send(loop, client, {.url = peer.url()});
    if (result) return std::string("answered");
    CHECK(result.error().error == Error::unavailable);
    CHECK_FALSE(result.error().internal.empty());
    CHECK_FALSE(contains(result.error().detail, "127.0.0.1"));
    return result.error().detail;
  };
  CHECK(fails("") == "another service did not answer properly");
  CHECK(fails("HTTP/1.1 200 OK\r\nContent-Le") == "another service did not answer properly");
  CHECK(fails("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") == "another service did not answer properly");
  CHECK(fails("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") == "another service did not answer properly");
  CHECK(fails("220 mail.example ESMTP\r\n") == "another service did not answer properly");
  CHECK(fails(std::string("\0\xff\x01", 3)) == "another service did not answer properly");
  CHECK(fails("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x')) == "the body of another service's answer is too large");
  CHECK(fails("HTTP/1.1 200 OK\r\n\r\n" + std::string(1000, 'x')) == "answered");
  CHECK(fails("HTTP/1.1 200 OK\r\nX: " + std::string(500, 'x') + "\r\n\r\n") ==
        "the head of another service's answer is too large");
  CHECK(loop.idle());
}

TEST_CASE("interim answers and trailers leave the headers alone") {
  Peer peer([](Peer::Connection& connection) {
    connection.read_request();
    connection.write(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Real: 1\r\n\r\n2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n");
  });
  Loop loop;
  HttpClient client(loop.reactor);
  const auto answer = send(loop, client, {.url = peer.url()});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->body == "ok");
  CHECK(answer->header("X-Real") == "1");
  CHECK(answer->header("Link") == std::nullopt);
  CHECK(answer->header("X-Late") == std::nullopt);
}

TEST_CASE("what can't be reached is unavailable") {
  std::string nowhere;
  {
    const Peer peer(always(""));
    nowhere = peer.url();
  }
  Peer plain([](Peer::Connection& connection) {
    connection.write("no TLS here\r\n");
    connection.wait_until_closed();
  });
  const std::string no_name = "http://" + std::string(64, 'a') + ".invalid/";  // no resolver needs to be asked
  const std::string no_tls = "https" + plain.url().substr(4);
  Loop loop;
  HttpClient client(loop.reactor);
  for (const std::string& url : {nowhere, no_name, no_tls}) {
    const auto answer = send(loop, client, {.url = url});
    REQUIRE(!answer);
    CHECK(answer.error().error == Error::unavailable);
    CHECK(answer.error().detail == "another service can't be reached");
    CHECK_FALSE(answer.error().internal.empty());
  }
  CHECK(loop.idle());
}

TEST_CASE("redirects are followed where the options say so") {
  Peer peer([](Peer::Connection& connection) {
    while (auto request = connection.read_request()) {
      if (contains(*request, " /end ")) {
        connection.answer("arrived");
      } else if (contains(*request, " /ftp ")) {
        connection.answer("moved", "Location: ftp://127.0.0.1/\r\n", "302 Found");
      } else {
        connection.answer("moved", contains(*request, " /loop ") ? "Location: /loop\r\n" : "Location: /end\r\nX-Moved: 1\r\n",
                          "302 Found");
      }
    }
  });
  Loop loop;
  HttpClient stays(loop.reactor);
  CHECK(send(loop, stays, {.url = peer.url()})->status == 302);
  HttpClient follows(loop.reactor, {.redirects = 100});
  const auto answer = send(loop, follows, {.url = peer.url()});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->body == "arrived");
  CHECK(answer->header("X-Moved") == std::nullopt);
  CHECK(send(loop, follows, {.method = "POST", .url = peer.url()})->status == 302);
  CHECK(send(loop, follows, {.url = peer.url("/loop")}).error().error == Error::unavailable);
  CHECK(send(loop, follows, {.url = peer.url("/ftp")}).error().error == Error::unavailable);
}

TEST_CASE("a cancelled fiber's transfer is dropped at once") {
  std::atomic<bool> asked = false;
  Peer peer([&](Peer::Connection& connection) {
    connection.read_request();
    asked = true;
    connection.wait_until_closed();
  });
  Loop loop;
  HttpClient client(loop.reactor);
  std::optional<Result<HttpResponse>> answer;
  fiber::Fiber* const waiting = loop.start([&] { answer = client.get(peer.url()); });
  REQUIRE(waiting != nullptr);
  SUBCASE("on its way") {
    wait_for(loop, [&] { return asked.load(); });
    fiber::cancel(*waiting);
    wait_for(loop, [&] { return peer.ended() == 1; });
  }
  SUBCASE("before it has begun") {
    fiber::cancel(*waiting);
    loop.run([] { CHECK(fiber::sleep(Milliseconds{1})); });
    CHECK(peer.accepted() == 0);
  }
  REQUIRE(answer.has_value());
  CHECK(answer->error().error == Error::cancelled);
  CHECK(loop.idle());
}

TEST_CASE("a client that goes away ends its calls and closes its connections") {
  std::atomic<int> asked = 0;
  Peer peer([&](Peer::Connection& connection) {
    connection.read_request();
    ++asked;
    connection.wait_until_closed();
  });
  Loop loop;
  std::optional<HttpClient> client(std::in_place, loop.reactor);
  int ended = 0;
  const auto call = [&] {
    const auto answer = client->get(peer.url());
    CHECK(answer.error().error == Error::unavailable);
    ++ended;
  };
  for (int i = 0; i < 3; ++i) loop.start(call);
  wait_for(loop, [&] { return asked == 3; });
  loop.start(call);  // still in the queue
  client.reset();
  CHECK(loop.reactor.watches == 0);
  loop.finish();
  CHECK(ended == 4);
  CHECK(loop.idle());
  wait_for(loop, [&] { return peer.ended() == 3; });
}

TEST_CASE("a hundred calls run side by side") {
  std::atomic<int> waiting = 0;
  Peer peer([&](Peer::Connection& connection) {
    connection.read_request();
    ++waiting;
    waiting.notify_all();
    for (int n = waiting; n < 100; n = waiting) waiting.wait(n);
    connection.answer(std::string(20'000, 'x'));
  });
  Loop loop;
  HttpClient client(loop.reactor, {.transfers = 100});
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    loop.start([&] {
      const auto answer = client.get(peer.url());
      if (answer && answer->body.size() == 20'000) ++answered;
    });
  }
  const auto refused = [&] { CHECK(client.get(peer.url()).error().error == Error::overloaded); };
  loop.start(refused);
  loop.finish();
  CHECK(answered == 100);
  CHECK(peer.accepted() == 100);
  CHECK(loop.idle());
}

TEST_CASE("a large body arrives whole, level- and edge-triggered") {
  std::string body(4UL * 1024 * 1024, ' ');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 + i / 4096);
  Peer peer(always(body));
  Loop loop;
  SUBCASE("level") {}
  SUBCASE("edge") { loop.reactor.edge_triggered = true; }
  HttpClient client(loop.reactor);
  for (int i = 0; i < 2; ++i) {
    const auto answer = send(loop, client, {.method = "POST", .url = peer.url(), .body = body});
    REQUIRE(answer.has_value());
    CHECK(answer->body == body);
  }
  CHECK(loop.idle());
}

TEST_CASE("a peer that closes while the request is sent raises no signal") {
  Peer peer([](Peer::Connection&) {});
  Loop loop;
  HttpClient client(loop.reactor);
  for (int i = 0; i < 10; ++i) {
    const auto answer = send(loop, client, {.method = "POST", .url = peer.url(), .body = std::string(1 << 20, 'x')});
    CHECK(answer.error().error == Error::unavailable);
  }
}

TEST_CASE("only what is idempotent is sent again when a kept connection fails") {
  std::atomic<int> seen = 0;
  Peer peer([&](Peer::Connection& connection) {
    connection.read_request();
    connection.answer("kept");
    if (connection.read_request()) ++seen;  // and no answer
  });
  Loop loop;
  HttpClient client(loop.reactor);
  REQUIRE(send(loop, client, {.url = peer.url()}).has_value());
  CHECK(send(loop, client, {.method = "POST", .url = peer.url()}).error().error == Error::unavailable);
  CHECK(peer.accepted() <= 2);
  wait_for(loop, [&] { return seen == 1; });

  Peer other([&](Peer::Connection& connection) {
    connection.read_request();
    connection.answer("kept");
    connection.read_request();
  });
  REQUIRE(send(loop, client, {.url = other.url()}).has_value());
  CHECK(send(loop, client, {.url = other.url()}).has_value());
  CHECK(other.accepted() == 2);
}

TEST_CASE("a malformed request is not sent") {
  Peer peer(always("hello"));
  Loop loop;
  HttpClient client(loop.reactor);
  const std::vector<HttpRequest> malformed{
      {.url = "ftp://127.0.0.1/"},
      {.url = "file:///etc/passwd"},
      {.url = "127.0.0.1/"},
      {.url = ""},
      {.url = "http://"},
      {.url = peer.url("/a b")},
      {.url = peer.url("/\r\nX-Injected: 1")},
      {.url = peer.url(std::string_view("/\0", 2))},
      {.method = "", .url = peer.url()},
      {.method = "GET / HTTP/1.1\r\nX: ", .url = peer.url()},
      {.url = peer.url(), .headers = {{"X\r\nY", "1"}}},
      {.url = peer.url(), .headers = {{"X:", "1"}}},
      {.url = peer.url(), .headers = {{"", "1"}}},
      {.url = peer.url(), .headers = {{"X", "1\r\nY: 2"}}},
      {.url = peer.url(), .headers = {{"X", "1\nY: 2"}}},
      {.url = peer.url(), .headers = {{"X", std::string("1\0", 2)}}},
      {.url = peer.url(), .headers = {{"content-length", "1"}}},
      {.url = peer.url(), .headers = {{"Transfer-Encoding", "chunked"}}},
  };
  for (const HttpRequest& request : malformed) {
    CAPTURE(request.url);
    const auto answer = send(loop, client, request);
    REQUIRE(!answer);
    CHECK(answer.error().error == Error::internal);
    CHECK(answer.error().detail.empty());
    CHECK_FALSE(answer.error().internal.empty());
  }
  CHECK(peer.accepted() == 0);
  CHECK(loop.idle());
}

}  // namespace nacre::net
