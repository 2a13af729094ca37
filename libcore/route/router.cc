#include "route/router.h"

#include <algorithm>
#include <stdexcept>

namespace nacre::route {

namespace {

using http::Method;

constexpr std::string_view kCollectionMethods = "GET, HEAD, POST, OPTIONS";
constexpr std::string_view kItemMethods = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS";

constexpr std::array<std::string_view, 7> kActionNames = {"list", "create", "read", "replace", "update", "delete", "options"};

/// What users, sessions and tokens are reached by.
constexpr std::array<std::string_view, 6> kAuthPaths = {"/register", "/login", "/logout", "/me", "/password", "/tokens"};

/// Cuts the first segment off a path that begins with a slash.
std::string_view cut_segment(std::string_view& path) {
  const std::size_t end = std::min(path.find('/', 1), path.size());
  const std::string_view segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

/// What caches between the client and the server may do with an answer (RFC 9111, RFC 5861).
std::string cache_control(const config::Resource& resource) {
  const bool shared = resource.access.read.kind == config::AccessRule::Kind::anyone;
  if (!resource.cache.on) return shared ? "no-cache" : "private, no-cache";
  const auto seconds = [](Milliseconds d) { return std::to_string(std::chrono::floor<Seconds>(d).count()); };
  std::string rule = std::string(shared ? "public" : "private") + ", max-age=" + seconds(resource.cache.ttl);
  if (resource.cache.stale >= Seconds{1}) {
    rule += ", stale-while-revalidate=" + seconds(resource.cache.stale) + ", stale-if-error=" + seconds(resource.cache.stale);
  }
  return rule;
}

Endpoint make_endpoint(const config::Resource& resource) {
  Endpoint endpoint{&resource, {}, cache_control(resource)};
  for (std::size_t i = 0; i < kActionNames.size(); ++i) {
    endpoint.route_names[i] = resource.name + '.' + std::string(kActionNames[i]);
  }
  return endpoint;
}

}  // namespace

/// All routes of the application that have one path, by method.
struct Router::Pattern {
  struct Segment {
    std::string_view text;  // a literal, or the name of a parameter
    bool parameter;
  };

  explicit Pattern(std::string_view pattern) : path(pattern) {
    if (!path.starts_with('/')) throw std::invalid_argument("route " + std::string(path) + ": must begin with a slash");
    for (std::string_view rest = path; !rest.empty();) {
      const std::string_view text = cut_segment(rest);
      const bool parameter = text.size() > 2 && text.front() == '{' && text.back() == '}';
      segments.push_back(parameter ? Segment{text.substr(1, text.size() - 2), true} : Segment{text, false});
    }
  }

  /// Patterns of one shape match the same paths, whatever their parameters are called.
  bool same_shape(const Pattern& other) const {
    return std::equal(
        segments.begin(), segments.end(), other.segments.begin(), other.segments.end(),
        [](const Segment& a, const Segment& b) { return a.parameter == b.parameter && (a.parameter || a.text == b.text); });
  }

  /// Literals before parameters, from the left.
  bool before(const Pattern& other) const {
    return std::lexicographical_compare(segments.begin(), segments.end(), other.segments.begin(), other.segments.end(),
                                        [](const Segment& a, const Segment& b) { return !a.parameter && b.parameter; });
  }

  bool matches(std::string_view path_text, app::PathParameters& parameters) const {
    for (const Segment& segment : segments) {
      if (path_text.empty()) return false;
      const std::string_view text = cut_segment(path_text);
      if (segment.parameter ? text.empty() : text != segment.text) return false;
      if (segment.parameter) parameters.emplace_back(segment.text, text);
    }
    return path_text.empty();
  }

  const app::Route* route(Method method) const {
    const Method wanted = method == Method::head ? Method::get : method;
    const auto found = std::find_if(routes.begin(), routes.end(), [&](const app::Route* r) { return r->method == wanted; });
    return found == routes.end() ? nullptr : *found;
  }

  std::string_view path;
  std::vector<Segment> segments;
  std::vector<const app::Route*> routes;
  std::string allow;
};

Router::Router(const config::Config& config, std::span<const app::Route> routes) {
  for (const config::Resource& resource : config.resources) endpoints_.emplace(resource.name, make_endpoint(resource));
  for (const app::Route& route : routes) {
    Pattern pattern(route.path);
    auto same = std::find_if(patterns_.begin(), patterns_.end(), [&](const Pattern& p) { return p.same_shape(pattern); });
    if (same == patterns_.end()) same = patterns_.insert(patterns_.end(), std::move(pattern));
    if (same->route(route.method) != nullptr) {
      throw std::invalid_argument("route " + std::string(http::to_string(route.method)) + ' ' + std::string(route.path) +
                                  ": there are two of it");
    }
    same->routes.push_back(&route);
    same->allow += std::string(http::to_string(route.method)) + (route.method == Method::get ? ", HEAD, " : ", ");
  }
  for (Pattern& pattern : patterns_) pattern.allow += "OPTIONS";
  std::stable_sort(patterns_.begin(), patterns_.end(), [](const Pattern& a, const Pattern& b) { return a.before(b); });
}

Router::~Router() = default;

Match Router::match(Method method, std::string_view path) const {
  Match match;
  if (!path.starts_with('/')) return match;
  if (!patterns_.empty() && match_pattern(method, path, match)) return match;
  std::string_view rest = path;
  const std::string_view first = cut_segment(rest);
  if (first == "auth") {
    if (std::find(kAuthPaths.begin(), kAuthPaths.end(), rest) == kAuthPaths.end() && !rest.starts_with("/tokens/"))
      return match;
    match.action = Action::needs_user;
    match.name = "auth";
    return match;
  }
  const auto found = endpoints_.find(first);
  if (found == endpoints_.end()) return match;
  const bool item = rest.size() > 1;
  const std::string_view id = item ? cut_segment(rest) : std::string_view{};
  if (item ? !rest.empty() : rest == "/") return match;
  match_resource(method, found->second, id, item, match);
  return match;
}

bool Router::match_pattern(Method method, std::string_view path, Match& match) const {
  const auto segments = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
  for (const Pattern& pattern : patterns_) {
    match.parameters.clear();
    if (pattern.segments.size() != segments || !pattern.matches(path, match.parameters)) continue;
    match.handler = pattern.route(method);
    match.name = pattern.path;
    match.allow = pattern.allow;
    if (match.handler != nullptr) {
      match.action = Action::handler;
      return true;
    }
    // A resource may answer the other methods of a path that it shares with the application.
    std::string_view rest = path;
    if (endpoints_.contains(cut_segment(rest))) break;
    match.action = method == Method::options ? Action::options : Action::method_not_allowed;
    return true;
  }
  match = Match{};
  return false;
}

void Router::match_resource(Method method, const Endpoint& endpoint, std::string_view id, bool item, Match& match) const {
  match.endpoint = &endpoint;
  match.id = id;
  match.allow = item ? kItemMethods : kCollectionMethods;
  match.action = Action::method_not_allowed;
  switch (method) {
    case Method::get:
    case Method::head:
      match.action = item ? Action::read : Action::list;
      break;
    case Method::post:
      if (!item) match.action = Action::create;
      break;
    case Method::put:
      if (item) match.action = Action::replace;
      break;
    case Method::patch:
      if (item) match.action = Action::update;
      break;
    case Method::del:
      if (item) match.action = Action::remove;
      break;
    case Method::options:
      match.action = Action::options;
      break;
    case Method::other:
      break;
  }
  match.name = match.action == Action::method_not_allowed ? std::string_view(endpoint.resource->name)
                                                          : endpoint.route_names[static_cast<std::size_t>(match.action)];
}

std::vector<std::string_view> Router::names() const {
  std::vector<std::string_view> names{"-", "auth"};
  for (const Pattern& pattern : patterns_) names.push_back(pattern.path);
  for (const auto& [name, endpoint] : endpoints_) {
    names.push_back(name);
    names.insert(names.end(), endpoint.route_names.begin(), endpoint.route_names.end());
  }
  return names;
}

}  // namespace nacre::route
