#include "route/router.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "config/load.h"

namespace nacre::route {

namespace {

using http::Method;

http::Response nothing(const Request&, Services&) { return {}; }

std::shared_ptr<const config::Config> notes() {
  return config::load_text(
      "version: 1\n"
      "resources:\n"
      "  notes: { schema: { type: object }, access: { read: public }, cache: { ttl: 30s, stale: 5m } }\n"
      "  links: { schema: { type: object }, cache: off }\n",
      "nacre.yaml", "/tmp");
}

}  // namespace

TEST_CASE("a path and a method are one action of one resource") {
  const auto config = notes();
  const Router router(*config, {});
  CHECK(router.match(Method::get, "/notes").action == Action::list);
  CHECK(router.match(Method::head, "/notes").action == Action::list);
  CHECK(router.match(Method::post, "/notes").action == Action::create);
  CHECK(router.match(Method::get, "/notes/7").action == Action::read);
  CHECK(router.match(Method::put, "/notes/7").action == Action::replace);
  CHECK(router.match(Method::patch, "/notes/7").action == Action::update);
  CHECK(router.match(Method::del, "/notes/7").action == Action::remove);
  CHECK(router.match(Method::options, "/notes/7").action == Action::options);
  const Match match = router.match(Method::get, "/notes/a.b~c");
  CHECK(match.id == "a.b~c");
  CHECK(match.name.text == "notes.read");
  CHECK(match.endpoint->resource->name == "notes");
  CHECK(match.endpoint->cache_control == "no-cache");
}

TEST_CASE("an answer is asked for again, unless the resource says for how long it need not be") {
  const auto rule = [](const std::string& resource) {
    const auto config =
        config::load_text("version: 1\nresources:\n  notes: { schema: {}, " + resource + " }\n", "nacre.yaml", "/tmp");
    return std::string(Router(*config, {}).match(Method::get, "/notes").endpoint->cache_control);
  };
  CHECK(rule("access: { read: public }, cache: { ttl: 30s, stale: 5m }") == "no-cache");
  CHECK(rule("access: { read: public }, cache: off") == "no-cache");
  CHECK(rule("access: { read: public }, cache: { client: 0s }") == "no-cache");
  CHECK(rule("access: { read: public }, cache: { client: 999ms }") == "no-cache");
  CHECK(rule("access: { read: public }, cache: { ttl: 1s, client: 5m }") == "max-age=300");
  for (const char* reader : {"user", "owner", "role:editor"}) {
    CHECK(rule("access: { read: \"" + std::string(reader) + "\" }") == "private, no-cache");
    CHECK(rule("access: { read: \"" + std::string(reader) + "\" }, cache: { client: 30s }") == "private, max-age=30");
  }
}

TEST_CASE("what is not there is not found, and a wrong method is told what is allowed") {
  const auto config = notes();
  const Router router(*config, {});
  for (const char* path :
       {"", "notes", "/", "/note", "/notesx", "/notes/", "/notes/7/", "/notes/7/8", "//notes", "/auth", "/auth/x"}) {
    CAPTURE(path);
    CHECK(router.match(Method::get, path).action == Action::not_found);
  }
  const Match match = router.match(Method::del, "/notes");
  CHECK(match.action == Action::method_not_allowed);
  CHECK(match.allow == "GET, HEAD, POST, OPTIONS");
  CHECK(router.match(Method::other, "/notes/7").allow == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
  CHECK(router.match(Method::get, "/auth/me").action == Action::needs_user);
}

TEST_CASE("an application's route takes parameters, prefers literals, and comes before a resource's") {
  const auto config = notes();
  const std::vector<app::Route> routes{{Method::get, "/{a}/{b}", nothing},
                                       {Method::get, "/hello/{name}", nothing},
                                       {Method::get, "/hello/world", nothing},
                                       {Method::post, "/notes/{id}/star", nothing},
                                       {Method::get, "/links/{id}", nothing}};
  const Router router(*config, routes);
  CHECK(router.match(Method::get, "/hello/world").handler == &routes[2]);
  const Match bob = router.match(Method::head, "/hello/bob");
  CHECK(bob.handler == &routes[1]);
  CHECK(bob.name.text == "/hello/{name}");
  REQUIRE(bob.parameters.size() == 1);
  CHECK(bob.parameters[0].second == "bob");
  CHECK(router.match(Method::post, "/notes/7/star").handler == &routes[3]);
  CHECK(router.match(Method::get, "/links/7").handler == &routes[4]);
  CHECK(router.match(Method::put, "/links/7").action == Action::replace);
  CHECK(router.match(Method::get, "/hello/").action == Action::not_found);
  const Match wrong = router.match(Method::del, "/hello/bob");
  CHECK(wrong.action == Action::method_not_allowed);
  CHECK(wrong.allow == "GET, HEAD, OPTIONS");
  const Match below = router.match(Method::get, "/notes/7/star");  // no path of the resource's
  CHECK(below.action == Action::method_not_allowed);
  CHECK(below.allow == "POST, OPTIONS");
  CHECK(router.match(Method::options, "/notes/7/star").action == Action::options);
}

TEST_CASE("a path that the application shares with a resource has the methods of both, one that it has alone only its own") {
  const auto config = notes();
  const std::vector<app::Route> routes{{Method::post, "/notes/{id}/star", nothing},
                                       {Method::put, "/notes", nothing},
                                       {Method::get, "/notes", nothing},
                                       {Method::post, "/notes/{id}", nothing}};
  const Router router(*config, routes);
  for (const Method method : {Method::get, Method::del, Method::options}) {
    const Match star = router.match(method, "/notes/7/star");
    CHECK(star.action == (method == Method::options ? Action::options : Action::method_not_allowed));
    CHECK(star.allow == "POST, OPTIONS");
  }
  CHECK(router.match(Method::put, "/notes").handler == &routes[1]);
  CHECK(router.match(Method::post, "/notes").action == Action::create);
  CHECK(router.match(Method::options, "/notes").allow == "PUT, GET, HEAD, POST, OPTIONS");
  CHECK(router.match(Method::del, "/notes").allow == "PUT, GET, HEAD, POST, OPTIONS");
  CHECK(router.match(Method::options, "/notes/7").allow == "POST, GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
  CHECK(router.match(Method::options, "/links/7").allow == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
}

TEST_CASE("two routes for the same requests are refused, whatever their parameters are called") {
  const auto config = notes();
  const std::vector<app::Route> routes{{Method::get, "/a/{x}", nothing}, {Method::get, "/a/{y}", nothing}};
  CHECK_THROWS_AS(Router(*config, routes), std::invalid_argument);
}

TEST_CASE("every name that a match can have is known beforehand") {
  const auto config = notes();
  const std::vector<app::Route> routes{{Method::get, "/hello/{name}", nothing}};
  const Router router(*config, routes);
  std::vector<std::string_view> names;
  for (const auto& name : router.names()) names.push_back(name.text);
  for (const char* path : {"/", "/notes", "/notes/7", "/hello/x", "/auth/me"}) {
    for (const Method method :
         {Method::get, Method::post, Method::put, Method::patch, Method::del, Method::options, Method::other}) {
      const Name name = router.match(method, path).name;
      REQUIRE(name.number < names.size());
      CHECK(names[name.number] == name.text);
    }
  }
}

}  // namespace nacre::route
