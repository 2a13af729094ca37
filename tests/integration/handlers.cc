#include <nacre/app.h>

#include <algorithm>
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

// GET /test/status/{status}: answers with that status.
Response status(const Request& request, Services&) {
  return nacre::text("status", std::stoi(std::string(request.path("status"))));
}
NACRE_ROUTE(GET, "/test/status/{status}", status);

// GET /test/tagged: has an ETag and a date.
Response tagged(const Request&, Services&) {
  Response response = nacre::text("tagged");
  response.etag = "\"v1\"";
  response.last_modified = nacre::Timestamp{nacre::Seconds{784'111'777}};  // Sun, 06 Nov 1994 08:49:37 GMT
  return response;
}
NACRE_ROUTE(GET, "/test/tagged", tagged);

}  // namespace
