#include <nacre/app.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "fiber/fiber.h"

// Handlers that a test needs; each worker has its own state.
namespace {

using nacre::Request;
using nacre::Response;
using nacre::Services;

std::vector<nacre::fiber::Event*> held;

// GET or POST /test/hold: answers once /test/release was called.
Response hold(const Request&, Services&) {
  nacre::fiber::Event released;
  held.push_back(&released);
  const auto waited = released.wait();
  std::erase(held, &released);
  return waited ? nacre::text("held") : nacre::problem(waited.error());
}
NACRE_ROUTE(GET, "/test/hold", hold);
NACRE_ROUTE(POST, "/test/hold", hold);

// GET /test/held: how many wait.
Response count_held(const Request&, Services&) { return nacre::json(held.size()); }
NACRE_ROUTE(GET, "/test/held", count_held);

// GET /test/release: lets the one that waits longest go on.
Response release(const Request&, Services&) {
  if (!held.empty()) held.front()->set();
  return nacre::json(held.size());
}
NACRE_ROUTE(GET, "/test/release", release);

// GET /test/throw/{what}: throws a number, text, std::bad_alloc or, on a thread, a number.
Response throws(const Request& request, Services&) {
  const auto what = request.path("what");
  if (what == "number") throw 42;
  if (what == "text") throw "text";
  if (what == "memory") throw std::bad_alloc();
  const auto got = nacre::fiber::on_thread<int>([]() -> nacre::Result<int> { throw 42; });
  return got ? nacre::json(*got) : nacre::problem(got.error());
}
NACRE_ROUTE(GET, "/test/throw/{what}", throws);

// GET /test/header?name=…&value=…&status=…: an answer with that header.
Response header(const Request& request, Services&) {
  Response response = nacre::text("own", std::stoi(request.query("status").value_or("200")));
  response.add(response.keep(request.query("name").value_or("X-Own")), request.query("value").value_or(""));
  return response;
}
NACRE_ROUTE(GET, "/test/header", header);

// GET /test/worker: the process that answers.
Response worker(const Request&, Services&) { return nacre::json(::getpid()); }
NACRE_ROUTE(GET, "/test/worker", worker);

// GET /test/stall?file=…: does what no handler may: holds the loop up, for longer than Redis may be silent. The file is made
// when it begins.
Response stall(const Request& request, Services&) {
  std::ofstream(request.query("file").value_or("/dev/null")) << "stalled";
  std::this_thread::sleep_for(nacre::Milliseconds{600});
  return nacre::text("stalled");
}
NACRE_ROUTE(GET, "/test/stall", stall);

// GET /test/spin: takes turns with the rest of the loop until /test/stop was called; answers with how many it took.
bool stopped = false;
Response spin(const Request&, Services&) {
  std::int64_t turns = 0;
  for (stopped = false; !stopped; ++turns) {
    if (const auto slept = nacre::fiber::sleep(nacre::Milliseconds{0}); !slept) return nacre::problem(slept.error());
  }
  return nacre::json(turns);
}
NACRE_ROUTE(GET, "/test/spin", spin);

// GET /test/pong, then /test/ping: the two wake each other in turn until /test/stop was called.
std::array<std::unique_ptr<nacre::fiber::Event>, 2> ball;
Response play(std::size_t side) {
  for (;;) {
    if (!ball[side]) ball[side] = std::make_unique<nacre::fiber::Event>();
    if (const auto waited = ball[side]->wait(); !waited) return nacre::problem(waited.error());
    ball[side] = std::make_unique<nacre::fiber::Event>();
    if (ball[1 - side]) ball[1 - side]->set();
    if (stopped) return nacre::text("played");
  }
}
Response ping(const Request&, Services&) {
  stopped = false;
  if (ball[1]) ball[1]->set();
  return play(0);
}
NACRE_ROUTE(GET, "/test/ping", ping);
NACRE_ROUTE(GET, "/test/pong", [](const Request&, Services&) { return play(1); });

Response stop(const Request&, Services&) {
  stopped = true;
  return nacre::text("stopped");
}
NACRE_ROUTE(GET, "/test/stop", stop);

// GET /test/tagged: has an ETag and a date.
Response tagged(const Request&, Services&) {
  Response response = nacre::text("tagged");
  response.etag = "\"v1\"";
  response.last_modified = nacre::Timestamp{nacre::Seconds{784'111'777}};  // Sun, 06 Nov 1994 08:49:37 GMT
  return response;
}
NACRE_ROUTE(GET, "/test/tagged", tagged);

}  // namespace
