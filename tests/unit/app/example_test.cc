// Tests of the example application's handlers: a pattern to copy for those of your own.
#include <doctest/doctest.h>

#include "../support/worker_under_test.h"

namespace {

using nacre::http::Method;
using nacre::test::WorkerUnderTest;

constexpr const char* kResources =
    "  notes:\n"
    "    schema: { type: object, required: [title], properties: { title: { type: string }, stars: { type: integer } } }\n"
    "    access: { read: public, create: public, update: public, delete: public }\n";

}  // namespace

TEST_CASE("hello greets and counts its visits") {
  WorkerUnderTest app(kResources);
  const auto first = app.ask(Method::get, "/hello/ada");
  CHECK(first.status == 200);
  CHECK(first.body == R"({"hello":"ada","visits":1})");
  CHECK(app.ask(Method::get, "/hello/bob").body == R"({"hello":"bob","visits":2})");
  CHECK(app.trace.route.text == "/hello/{name}");
}

TEST_CASE("star counts a note's stars up, from nothing too") {
  WorkerUnderTest app(kResources);
  const auto id = std::string(app.json(app.ask(Method::post, "/notes", R"({"title":"a"})")).at("_id").as_string());
  for (int stars = 1; stars <= 3; ++stars) {
    const auto starred = app.ask(Method::post, "/notes/" + id + "/star");
    REQUIRE(starred.status == 200);
    CHECK(app.json(starred).at("stars").as_int64() == stars);
  }
  CHECK(app.json(app.ask(Method::get, "/notes/" + id)).at("stars").as_int64() == 3);
}

TEST_CASE("stars that a client may store take another one, as long as there is room in 64 bits") {
  WorkerUnderTest app(kResources);
  const auto star = [&](const std::string& stars) {
    REQUIRE(app.ask(Method::put, "/notes/n", R"({"title":"a","stars":)" + stars + "}", {{"If-None-Match", "*"}}).status == 201);
    auto answer = app.ask(Method::post, "/notes/n/star");
    REQUIRE(app.ask(Method::del, "/notes/n").status == 204);
    return answer;
  };
  CHECK(app.json(star("1.0")).at("stars").as_int64() == 2);
  CHECK(app.json(star("-9223372036854775808.0")).at("stars").as_int64() == -9223372036854775807);
  CHECK(app.json(star("9223372036854775806")).at("stars").as_int64() == 9223372036854775807);
  const auto full = star("9223372036854775807");
  CHECK(full.status == 409);
  CHECK(full.content_type == "application/problem+json");
  CHECK(app.ask(Method::post, "/notes", R"({"title":"a","stars":1e300})").status == 422);
}

TEST_CASE("a star for a note that is not there is 404") {
  WorkerUnderTest app(kResources);
  const auto answer = app.ask(Method::post, "/notes/none/star");
  CHECK(answer.status == 404);
  CHECK(answer.content_type == "application/problem+json");
}

TEST_CASE("stars given at the same time are all counted") {
  WorkerUnderTest app(kResources);
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"a"})", {{"If-None-Match", "*"}}).status == 201);
  std::vector<std::optional<nacre::http::Response>> answers(20);
  for (auto& answer : answers) app.start(Method::post, "/notes/n/star", {}, {}, answer);
  app.reactor.run();
  for (const auto& answer : answers) {
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
  }
  CHECK(app.json(app.ask(Method::get, "/notes/n")).at("stars").as_int64() == 20);
}
