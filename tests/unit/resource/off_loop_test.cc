#include "resource/off_loop.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "../support/worker_under_test.h"

namespace nacre::resource {
namespace {

constexpr const char* kResources = R"(  free:
    schema: { type: object }
    access: { read: public, create: public, update: public, delete: public }
  branches:
    schema:
      type: object
      additionalProperties: { $ref: "#/definitions/n" }
      definitions:
        n: { anyOf: [ { additionalProperties: { $ref: "#/definitions/n" } }, { additionalProperties: { $ref: "#/definitions/n" } } ] }
    access: { read: public, create: public, update: public, delete: public }
)";

std::string document_of(std::size_t size) { return R"({"a":")" + std::string(size, 'x') + "\"}"; }

struct Asked {
  explicit Asked(http::Method method, std::string_view target, std::string body, test::WorkerUnderTest::Headers headers = {})
      : text(std::move(body)) {
    under_test.reactor.jobs_run_by_themselves = false;
    under_test.start(method, target, text, std::move(headers), response);
    under_test.reactor.run();
  }
  ~Asked() {
    under_test.worker->cancel_all();
    while (under_test.reactor.run_job()) {
    }
  }

  test::WorkerUnderTest under_test{kResources};
  std::string text;
  std::optional<http::Response> response;
};

}  // namespace

TEST_CASE("a small body is judged at once, and the store is the first that is waited for") {
  Asked asked(http::Method::post, "/free", document_of(kLoopBytes / 2));
  CHECK(asked.under_test.reactor.jobs() == 1);
  asked.under_test.reactor.run_job();
  asked.under_test.reactor.run();
  REQUIRE(asked.response.has_value());
  CHECK(asked.response->status == 201);
}

TEST_CASE("a large body is judged on a thread, and then stored") {
  Asked asked(http::Method::post, "/free", document_of(2 * kLoopBytes));
  CHECK(asked.under_test.reactor.jobs() == 1);
  asked.under_test.reactor.run_job();
  asked.under_test.reactor.run();
  CHECK_FALSE(asked.response.has_value());
  CHECK(asked.under_test.reactor.jobs() == 1);
  asked.under_test.reactor.run_job();
  asked.under_test.reactor.run();
  REQUIRE(asked.response.has_value());
  CHECK(asked.response->status == 201);
  CHECK(asked.response->body.find(std::string(2 * kLoopBytes, 'x')) != std::string::npos);
}

TEST_CASE("a large body that is refused never comes to the store") {
  Asked asked(http::Method::put, "/free/a", document_of(2 * kLoopBytes) + "x", {{"Content-Type", "application/json"}});
  asked.under_test.reactor.run_job();
  asked.under_test.reactor.run();
  REQUIRE(asked.response.has_value());
  CHECK(asked.response->status == 400);
}

TEST_CASE("a small body that takes much effort is judged once more, on a thread") {
  std::string text = "{\"x\":1}";
  for (int i = 0; i < 17; ++i) text = "{\"x\":" + text + "}";
  Asked asked(http::Method::post, "/branches", text);
  CHECK(asked.under_test.reactor.jobs() == 1);
  asked.under_test.reactor.run_job();
  asked.under_test.reactor.run();
  CHECK(asked.under_test.reactor.jobs() == 1);
  asked.under_test.reactor.run_job();
  asked.under_test.reactor.run();
  REQUIRE(asked.response.has_value());
  CHECK(asked.response->status == 201);
}

TEST_CASE("a request that is gone leaves the thread what it works on") {
  Asked asked(http::Method::post, "/free", document_of(2 * kLoopBytes));
  asked.under_test.worker->cancel_all();
  asked.under_test.reactor.run();
  std::fill(asked.text.begin(), asked.text.end(), '\0');
  CHECK(asked.under_test.reactor.run_job());
  CHECK(asked.under_test.worker->scheduler().running() == 0);
}

TEST_CASE("a JSON Patch of many operations on a small document goes to a thread, one of a few does not") {
  test::WorkerUnderTest under_test(kResources);
  const std::string document = R"({"_id":"a","a":")" + std::string(10'000, 'x') + "\"}";
  REQUIRE(under_test.ask(http::Method::post, "/free", document).status == 201);
  REQUIRE(under_test.ask(http::Method::get, "/free/a").status == 200);
  under_test.reactor.jobs_run_by_themselves = false;
  const auto jobs_of = [&](std::size_t count) {
    std::string patch = R"([{"op":"test","path":"/_id","value":"a"})";
    for (std::size_t i = 1; i < count; ++i) patch += R"(,{"op":"test","path":"/_id","value":"a"})";
    patch += "]";
    std::optional<http::Response> response;
    under_test.start(http::Method::patch, "/free/a", patch, {{"Content-Type", "application/json-patch+json"}}, response);
    std::size_t jobs = 0;
    for (under_test.reactor.run(); !response; under_test.reactor.run(), ++jobs) REQUIRE(under_test.reactor.run_job());
    CHECK(response->status == 200);
    return jobs;
  };
  const std::size_t jobs_of_few = jobs_of(2);
  CHECK(jobs_of(200) == jobs_of_few + 1);
}

}  // namespace nacre::resource
