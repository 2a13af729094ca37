#include <nacre/app.h>

#include <cstdint>
#include <limits>

// The example application's own code. Edit it, add files beside it, and `make run` again.
namespace {

// GET /hello/{name}: counts visits and greets.
nacre::Response hello(const nacre::Request& request, nacre::Services& services) {
  auto visits = services.cache().increment("visits");
  if (!visits) return nacre::problem(visits.error());
  return nacre::json({{"hello", request.path("name")}, {"visits", *visits}});
}
NACRE_ROUTE(GET, "/hello/{name}", hello);

// POST /notes/{id}/star: gives a note one more star, however many do so at once.
nacre::Response star(const nacre::Request& request, nacre::Services& services) {
  auto notes = services.store().collection("notes");
  for (;;) {
    auto note = notes.find_one(request.path("id"));
    if (!note) return nacre::problem(note.error());
    auto& fields = note->as_object();
    boost::system::error_code beyond;
    const auto stars = fields.contains("stars") ? fields.at("stars").to_number<std::int64_t>(beyond) : 0;
    if (beyond || stars == std::numeric_limits<std::int64_t>::max()) {
      return nacre::problem({nacre::Error::conflict, "there is no room for another star"});
    }
    fields["stars"] = stars + 1;

    auto starred = notes.replace(request.path("id"), std::move(*note));  // its _rev is a precondition
    if (starred) return nacre::json(*starred);
    if (starred.error().error != nacre::Error::precondition_failed) return nacre::problem(starred.error());
  }
}
NACRE_ROUTE(POST, "/notes/{id}/star", star);

}  // namespace
