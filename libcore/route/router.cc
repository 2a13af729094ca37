#include "route/router.h"

#include <algorithm>
#include <stdexcept>

namespace nacre::route {

namespace {

using http::Method;

constexpr std::string_view kCollectionMethods = "GET, HEAD, POST, OPTIONS";
constexpr std::string_view kItemMethods = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS";

constexpr std::array<std::string_view, 7> kActionNames = {"list", "create", "read", "replace", "update", "delete", "options"};

constexpr std::uint32_t kAuthName = 1;

/// What users, sessions and tokens are reached by.
constexpr std::array<std::string_view, 6> kAuthPaths = {"/register", "/login", "/logout", "/me", "/password", "/tokens"};

/// Cuts the first segment off a path that begins with a slash.
inline std::string_view cut_segment(std::string_view& path) {
  std::size_t end = 1;  // segments are short
  while (end < path.size() && path[end] != '/') ++end;
  const std::string_view segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

bool is_auth_path(std::string_view rest) {
  return std::find(kAuthPaths.begin(), kAuthPaths.end(), rest) != kAuthPaths.end() || rest.starts_with("/tokens/");
}

Depth depth_of(std::size_t segments) { return segments <= 1 ? Depth::one : segments == 2 ? Depth::two : Depth::more; }
std::size_t index_of(Depth depth) { return static_cast<std::size_t>(depth); }
Depth depth_of_rest(std::string_view rest) {
  if (rest.empty()) return Depth::one;
  return rest.find('/', 1) == std::string_view::npos ? Depth::two : Depth::more;
}

/// A collection's, or that of one of its documents.
bool is_resource_path(std::string_view rest, Depth depth) {
  return depth == Depth::one || (depth == Depth::two && rest.size() > 1);
}

/// What browsers and proxies may do with an answer (RFC 9111): ask each time whether it is still good, so that who writes reads
/// what was written, unless the resource says for how long they need not.
std::string cache_control(const config::Resource& resource) {
  const auto fresh = std::chrono::floor<Seconds>(resource.cache.client);
  const std::string rule = fresh > Seconds{0} ? "max-age=" + std::to_string(fresh.count()) : "no-cache";
  return resource.access.read.kind == config::AccessRule::Kind::anyone ? rule : "private, " + rule;
}

/// How an action is answered when all is well; not at all when nobody may.
std::vector<std::pair<Method, int>> usual_answers(Action action, const config::Access& access) {
  struct Usual {
    const config::AccessRule* rule;
    Method method;
    int status;
  };
  // By Action.
  const std::array<Usual, 6> all{{{&access.read, Method::get, 200},
                                  {&access.create, Method::post, 201},
                                  {&access.read, Method::get, 200},
                                  {&access.update, Method::put, 200},
                                  {&access.update, Method::patch, 200},
                                  {&access.del, Method::del, 204}}};
  const auto index = static_cast<std::size_t>(action);
  if (index >= all.size() || all[index].rule->kind == config::AccessRule::Kind::nobody) return {};
  return {{all[index].method, all[index].status}};
}

Endpoint make_endpoint(const config::Resource& resource) {
  Endpoint endpoint{&resource, {}, cache_control(resource), 0};
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
      has_parameters = has_parameters || parameter;
      segments.push_back(parameter ? Segment{text.substr(1, text.size() - 2), true} : Segment{text, false});
      if (segments.size() == 1) tail = rest;
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

  /// Whether the rest of a path of this depth, whose first segment matches, does, too.
  bool matches(std::string_view rest) const {
    if (!has_parameters) return rest == tail;
    for (const Segment& segment : std::span(segments).subspan(1)) {
      if (rest.empty()) return false;
      const std::string_view text = cut_segment(rest);
      if (segment.parameter ? text.empty() : text != segment.text) return false;
    }
    return rest.empty();
  }

  app::PathParameters parameters(std::string_view path_text) const {
    app::PathParameters parameters;
    if (!has_parameters) return parameters;
    for (const Segment& segment : segments) {
      const std::string_view text = cut_segment(path_text);
      if (segment.parameter) parameters.emplace_back(segment.text, text);
    }
    return parameters;
  }

  const app::Route* route(Method method) const {
    const Method wanted = method == Method::head ? Method::get : method;
    const auto found = std::find_if(routes.begin(), routes.end(), [&](const app::Route* r) { return r->method == wanted; });
    return found == routes.end() ? nullptr : *found;
  }

  /// The methods of a path that it shares with a resource.
  std::string shared_allow() const {
    std::string methods(segments.size() == 1 ? kCollectionMethods : kItemMethods);
    for (const app::Route* const own : routes) {
      const std::string name(http::to_string(own->method));
      if ((", " + methods + ',').find(", " + name + ',') == std::string::npos) methods = name + ", " + methods;
    }
    return methods;
  }

  std::string_view path;
  std::string_view tail;     // what follows its first segment
  std::uint32_t number = 0;  // of its name
  std::vector<Segment> segments;
  bool has_parameters = false;
  std::vector<const app::Route*> routes;
  std::string allow;
  std::string allow_with_resource;
};

Router::Router(const config::Config& config, std::span<const app::Route> routes) {
  add_name("-");
  add_name("auth");
  for (const config::Resource& resource : config.resources) {
    Endpoint& endpoint = branches_[resource.name].endpoint.emplace(make_endpoint(resource));
    endpoint.number = add_name(resource.name);
    for (std::size_t i = 0; i < endpoint.route_names.size(); ++i) {
      add_name(endpoint.route_names[i], usual_answers(static_cast<Action>(i), resource.access));
    }
  }
  for (const app::Route& route : routes) add(route);
  std::stable_sort(patterns_.begin(), patterns_.end(), [](const auto& a, const auto& b) { return a->before(*b); });
  for (const auto& pattern : patterns_) {
    pattern->allow += "OPTIONS";
    pattern->allow_with_resource = pattern->shared_allow();
    std::vector<std::pair<Method, int>> usual;
    for (const app::Route* const route : pattern->routes) usual.emplace_back(route->method, 200);
    pattern->number = add_name(pattern->path, std::move(usual));
    const Pattern::Segment& first = pattern->segments.front();
    Patterns& patterns = first.parameter ? wild_ : branches_[std::string(first.text)].patterns;
    patterns[index_of(depth_of(pattern->segments.size()))].push_back(pattern.get());
  }
  for (auto& [name, branch] : branches_) {
    if (name.empty()) continue;  // no parameter is
    for (std::size_t i = 0; i < wild_.size(); ++i) {
      branch.patterns[i].insert(branch.patterns[i].end(), wild_[i].begin(), wild_[i].end());
    }
  }
}

Router::~Router() = default;

void Router::add(const app::Route& route) {
  auto pattern = std::make_unique<Pattern>(route.path);
  auto same = std::find_if(patterns_.begin(), patterns_.end(), [&](const auto& p) { return p->same_shape(*pattern); });
  if (same == patterns_.end()) same = patterns_.insert(patterns_.end(), std::move(pattern));
  Pattern& on = **same;
  if (on.route(route.method) != nullptr) {
    throw std::invalid_argument("route " + std::string(http::to_string(route.method)) + ' ' + std::string(route.path) +
                                ": there are two of it");
  }
  on.routes.push_back(&route);
  on.allow += std::string(http::to_string(route.method)) + (route.method == Method::get ? ", HEAD, " : ", ");
}

std::uint32_t Router::add_name(std::string_view name, std::vector<std::pair<Method, int>> usual) {
  names_.push_back({name, std::move(usual)});
  return static_cast<std::uint32_t>(names_.size() - 1);
}

inline const Router::Pattern* Router::find_pattern(const Patterns& patterns, std::string_view rest, Depth depth) {
  for (const Pattern* const pattern : patterns[index_of(depth)]) {
    if (pattern->matches(rest)) return pattern;
  }
  return nullptr;
}

Match Router::match(Method method, std::string_view path) const {
  Match match;
  if (!path.starts_with('/')) return match;
  std::string_view rest = path;
  const std::string_view first = cut_segment(rest);
  const auto found = branches_.find(first);
  const Branch* const branch = found == branches_.end() ? nullptr : &found->second;
  const Depth depth = depth_of_rest(rest);
  const Pattern* pattern = nullptr;
  if (branch != nullptr || !first.empty()) pattern = find_pattern(branch != nullptr ? branch->patterns : wild_, rest, depth);
  if (pattern != nullptr) match.handler = pattern->route(method);
  const bool has_resource = branch != nullptr && branch->endpoint && is_resource_path(rest, depth);
  if (match.handler == nullptr && has_resource) {
    // A resource answers the other methods of a path that it shares with the application.
    match_resource(method, *branch->endpoint, rest, match);
    if (pattern != nullptr) match.allow = pattern->allow_with_resource;
  } else if (pattern != nullptr) {
    match_pattern(method, *pattern, path, match);
  } else if (first == "auth" && is_auth_path(rest)) {
    match.action = Action::needs_user;
    match.name = {names_[kAuthName].text, kAuthName};
  }
  return match;
}

void Router::match_pattern(Method method, const Pattern& pattern, std::string_view path, Match& match) {
  match.action = match.handler != nullptr    ? Action::handler
                 : method == Method::options ? Action::options
                                             : Action::method_not_allowed;
  match.name = {pattern.path, pattern.number};
  match.allow = pattern.allow;
  match.parameters = pattern.parameters(path);
}

void Router::match_resource(Method method, const Endpoint& endpoint, std::string_view rest, Match& match) {
  const bool item = !rest.empty();
  const std::string_view id = item ? rest.substr(1) : std::string_view{};
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
  if (match.action == Action::method_not_allowed) {
    match.name = {endpoint.resource->name, endpoint.number};
  } else {
    const auto action = static_cast<std::size_t>(match.action);
    match.name = {endpoint.route_names[action], endpoint.number + 1 + static_cast<std::uint32_t>(action)};
  }
}

}  // namespace nacre::route
