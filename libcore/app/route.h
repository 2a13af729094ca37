#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "http/request.h"
#include "http/response.h"

namespace nacre {
class Request;
class Services;
namespace resource {
struct Call;
}
}  // namespace nacre

namespace nacre::app {

using Handler = http::Response (*)(const Request&, Services&);

/// Values of the `{names}` in a route's path.
using PathParameters = std::vector<std::pair<std::string_view, std::string_view>>;

/// A request that the application answers itself: made by NACRE_ROUTE.
struct Route {
  http::Method method;
  std::string_view path;  ///< "/hello/{name}"; a literal
  Handler handler;
};

/// The methods by the names that NACRE_ROUTE takes.
namespace method {
// NOLINTBEGIN(readability-identifier-naming)
inline constexpr http::Method GET = http::Method::get;
inline constexpr http::Method POST = http::Method::post;
inline constexpr http::Method PUT = http::Method::put;
inline constexpr http::Method PATCH = http::Method::patch;
inline constexpr http::Method DELETE = http::Method::del;
// NOLINTEND(readability-identifier-naming)
}  // namespace method

/// All routes that NACRE_ROUTE registered, in no particular order.
std::span<const Route> routes() noexcept;

/// Runs the handler of `call.match`; a problem that it returns is a Failure here.
Result<http::Response> run(const resource::Call& call);

/// Registers a route; what NACRE_ROUTE calls before main.
bool add_route(Route route);

}  // namespace nacre::app
