// Handlers that go wrong: each gives a 500 and nothing of its own.
#include <doctest/doctest.h>
#include <nacre/app.h>

#include <new>
#include <type_traits>

#include "../support/worker_under_test.h"
#include "fiber/fiber.h"

namespace {

using nacre::Request;
using nacre::Response;
using nacre::Services;
using nacre::http::Method;
using nacre::test::WorkerUnderTest;

constexpr const char* kFaultResources = "  notes:\n    schema: { type: object }\n";

Response throw_something(const Request& request, Services&) {
  const auto what = request.path("what");
  if (what == "number") throw 42;
  if (what == "text") throw "text";
  if (what == "memory") throw std::bad_alloc();
  throw std::runtime_error("what it says");
}
NACRE_ROUTE(GET, "/faults/throw/{what}", throw_something);

Response throw_on_thread(const Request&, Services&) {
  const auto got = nacre::fiber::on_thread<int>([]() -> nacre::Result<int> { throw 42; });
  return got ? nacre::json(*got) : nacre::problem(got.error());
}
NACRE_ROUTE(GET, "/faults/thread", throw_on_thread);

Response sets_header(const Request& request, Services&) {
  Response response = nacre::text("own");
  response.add("X-Own", request.query("value").value_or(""));
  return response;
}
NACRE_ROUTE(GET, "/faults/header", sets_header);

Response sets_name(const Request& request, Services&) {
  Response response = nacre::text("own");
  response.add(response.keep(request.query("name").value_or("")), "value");
  return response;
}
NACRE_ROUTE(GET, "/faults/name", sets_name);

Response sets_fields(const Request& request, Services&) {
  Response response = nacre::text("own");
  response.content_type = response.keep(request.query("type").value_or("text/plain"));
  response.etag = request.query("etag").value_or("");
  return response;
}
NACRE_ROUTE(GET, "/faults/fields", sets_fields);

Response sets_status(const Request& request, Services&) {
  return nacre::text("own", std::stoi(std::string(request.path("status"))));
}
NACRE_ROUTE(GET, "/faults/status/{status}", sets_status);

/// The `detail` of the 500 that a target gives; `debug: true` lets it say why.
std::string refused(WorkerUnderTest& app, std::string_view target) {
  const auto answer = app.ask(Method::get, target);
  CHECK(answer.status == 500);
  CHECK(answer.content_type == "application/problem+json");
  CHECK_FALSE(answer.header("X-Own"));
  CHECK(answer.etag.empty());
  return std::string(WorkerUnderTest::json(answer).at("detail").as_string());
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

// What a handler could leave dangling does not compile.
static_assert(!std::is_copy_constructible_v<Response> && !std::is_copy_assignable_v<Response>);
static_assert(std::is_nothrow_move_constructible_v<Response> && std::is_nothrow_move_assignable_v<Response>);
static_assert(!std::is_constructible_v<nacre::http::LastingText, std::string>);
static_assert(!std::is_assignable_v<decltype((std::declval<Response&>().content_type)), std::string>);

TEST_CASE("whatever a handler throws is a 500 that says what it was") {
  WorkerUnderTest app(kFaultResources);
  CHECK(has(refused(app, "/faults/throw/error"), "what it says"));
  CHECK(has(refused(app, "/faults/throw/number"), "no std::exception"));
  CHECK(has(refused(app, "/faults/throw/text"), "no std::exception"));
  CHECK(has(refused(app, "/faults/throw/memory"), "bad_alloc"));
  refused(app, "/faults/thread");
}

TEST_CASE("a header that would open another line is not sent") {
  WorkerUnderTest app(kFaultResources);
  for (const char* value : {"a%0d%0aX-Own:%20b", "a%0ab", "a%0db", "a%00b", "%7f", "a%1bb"}) {
    CAPTURE(value);
    CHECK(has(refused(app, "/faults/header?value=" + std::string(value)), "control characters in the header X-Own"));
  }
  for (const char* name : {"", "X%20Own", "X-Own:", "X%0d%0aOwn", "X%00", "%C3%A4"}) {
    CAPTURE(name);
    CHECK(has(refused(app, "/faults/name?name=" + std::string(name)), "no token"));
  }
  CHECK(has(refused(app, "/faults/fields?type=text/plain%0d%0aX-Own:%20b"), "content type"));
  for (const char* etag : {"bare", "%22a%22b%22", "%22a%0d%0a%22", "%22", "W/a"}) {
    CAPTURE(etag);
    CHECK(has(refused(app, "/faults/fields?etag=" + std::string(etag)), "entity tag"));
  }
}

TEST_CASE("what a header may hold is sent") {
  WorkerUnderTest app(kFaultResources);
  CHECK(app.ask(Method::get, "/faults/header?value=a%09b%20%C3%A4").header("X-Own") == "a\tb \xC3\xA4");
  CHECK(app.ask(Method::get, "/faults/name?name=X-!%23$").header("X-!#$") == "value");
  CHECK(app.ask(Method::get, "/faults/fields?etag=W/%22a-1%22").etag == "W/\"a-1\"");
}

TEST_CASE("a status that is no final one is not sent") {
  WorkerUnderTest app(kFaultResources);
  for (const char* status : {"0", "-1", "99", "100", "199", "600", "1000"}) {
    CAPTURE(status);
    CHECK(has(refused(app, "/faults/status/" + std::string(status)), "the status " + std::string(status)));
  }
  CHECK(app.ask(Method::get, "/faults/status/200").status == 200);
  CHECK(app.ask(Method::get, "/faults/status/599").status == 599);
}
