#include <nacre/app.h>

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
    const auto stars = fields.contains("stars") ? fields.at("stars").as_int64() : 0;
    fields["stars"] = stars + 1;

    auto starred = notes.replace(request.path("id"), std::move(*note));  // its _rev is a precondition
    if (starred) return nacre::json(*starred);
    if (starred.error().error != nacre::Error::precondition_failed) return nacre::problem(starred.error());
  }
}
NACRE_ROUTE(POST, "/notes/{id}/star", star);

}  // namespace
