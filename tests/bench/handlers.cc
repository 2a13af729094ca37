#include <nacre/app.h>

#include "fiber/fiber.h"

namespace {

// GET /bench/fixed: a body that never changes, of the size of a small document.
nacre::Response fixed(const nacre::Request&, nacre::Services&) {
  nacre::Response response(200);
  response.body.assign(240, 'x');
  response.content_type = "text/plain";
  return response;
}
NACRE_ROUTE(GET, "/bench/fixed", fixed);

// GET /bench/wait: in flight for three seconds.
nacre::Response wait(const nacre::Request&, nacre::Services&) {
  const auto waited = nacre::fiber::sleep(nacre::Milliseconds{3'000});
  return waited ? nacre::text("waited") : nacre::problem(waited.error());
}
NACRE_ROUTE(GET, "/bench/wait", wait);

}  // namespace
