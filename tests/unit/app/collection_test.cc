// What handlers write themselves: it is judged and normalized as what clients send.
#include <doctest/doctest.h>
#include <nacre/app.h>

#include <string>
#include <utility>

#include "../support/worker_under_test.h"

namespace {

using nacre::Request;
using nacre::Response;
using nacre::Services;
using nacre::http::Method;
using nacre::test::WorkerUnderTest;

constexpr const char* kCounted =
    "  counts:\n"
    "    schema: { type: object, properties: { count: { type: integer } } }\n"
    "    access: { read: public }\n";

Response answer_of(const nacre::Result<nacre::Json>& written) {
  return written ? nacre::json(*written) : nacre::problem(written.error());
}

Response insert_count(const Request& request, Services& services) {
  auto body = request.json();
  return body ? answer_of(services.store().collection("counts").insert(std::move(*body))) : nacre::problem(body.error());
}
NACRE_ROUTE(POST, "/counted", insert_count);

Response replace_count(const Request& request, Services& services) {
  auto body = request.json();
  if (!body) return nacre::problem(body.error());
  return answer_of(services.store().collection("counts").replace(request.path("id"), std::move(*body)));
}
NACRE_ROUTE(POST, "/counted/{id}", replace_count);

}  // namespace

TEST_CASE("what a handler writes has its integers in one form, and those that 64 bits can hold") {
  WorkerUnderTest app(kCounted);
  const auto inserted = app.json(app.ask(Method::post, "/counted", R"({"count":1.0})"));
  CHECK(inserted.at("count").is_int64());
  const std::string id(inserted.at("_id").as_string());
  CHECK(app.ask(Method::post, "/counted/" + id, R"({"count":2e0})").status == 200);
  CHECK(app.json(app.ask(Method::get, "/counts/" + id)).at("count").as_int64() == 2);
  CHECK(app.ask(Method::post, "/counted", R"({"count":1e300})").status == 422);
  CHECK(app.ask(Method::post, "/counted/" + id, R"({"count":1e300})").status == 422);
}
