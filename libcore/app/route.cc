#include "app/route.h"

namespace nacre::app {

namespace {

std::vector<Route>& registry() {
  static std::vector<Route> routes;
  return routes;
}

}  // namespace

std::span<const Route> routes() noexcept { return registry(); }

bool add_route(Route route) {
  registry().push_back(route);
  return true;
}

}  // namespace nacre::app
