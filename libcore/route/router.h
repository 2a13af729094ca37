#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/route.h"
#include "config/config.h"
#include "http/request.h"

namespace nacre::route {

/// `$nacre_route`: never from a client.
struct Name {
  std::string_view text = "-";
  std::uint32_t number = 0;  ///< in Router::names
};

/// What a request asks for.
enum class Action : std::uint8_t {
  list,
  create,
  read,
  replace,
  update,
  remove,
  options,
  handler,             ///< the application's own code
  needs_user,          ///< a path that only a known user may use
  not_found,           ///< no such path
  method_not_allowed,  ///< the path exists, the method does not; `allow` names those that do
};

/// A resource with what its answers need, made once.
struct Endpoint {
  const config::Resource* resource;
  std::array<std::string, 7> route_names;  ///< "notes.list" and so on, by Action
  std::string cache_control;               ///< of a good GET
  std::uint32_t number = 0;                ///< of the resource's own name; those of `route_names` follow
};

/// How many segments a path has.
enum class Depth : std::uint8_t { one, two, more };

struct Match {
  Action action = Action::not_found;
  Name name;
  const Endpoint* endpoint = nullptr;
  std::string_view id;     ///< of read, replace, update, remove
  std::string_view allow;  ///< of options and method_not_allowed
  const app::Route* handler = nullptr;
  app::PathParameters parameters;
};

/// Path and method to action. Built once from the configuration and the application's routes; an application's route comes
/// before a resource's, so that it can take over one of its requests.
class Router {
 public:
  /// Throws std::invalid_argument when two of the application's routes mean the same requests.
  Router(const config::Config& config, std::span<const app::Route> routes);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  Match match(http::Method method, std::string_view path) const;

  /// A name that `Match::name` can take, and how a request of it is usually answered: none where that is never with success.
  struct Named {
    std::string_view text;
    std::vector<std::pair<http::Method, int>> usual;
  };
  /// By their numbers.
  const std::vector<Named>& names() const noexcept { return names_; }

 private:
  struct Pattern;
  /// FNV-1a: names are short, and only the configuration adds any.
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      std::uint64_t hash = 0xcbf29ce484222325U;
      for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
      return hash;
    }
  };

  /// Patterns by the depth of the paths that they match, literals before parameters.
  using Patterns = std::array<std::vector<const Pattern*>, 3>;
  /// All that begins with one literal segment.
  struct Branch {
    std::optional<Endpoint> endpoint;
    Patterns patterns;  ///< those that begin with a parameter last
  };

  void add(const app::Route& route);
  std::uint32_t add_name(std::string_view name, std::vector<std::pair<http::Method, int>> usual = {});
  static const Pattern* find_pattern(const Patterns& patterns, std::string_view rest, Depth depth);
  static void match_pattern(http::Method method, const Pattern& pattern, std::string_view path, Match& match);
  static void match_resource(http::Method method, const Endpoint& endpoint, std::string_view rest, Match& match);

  std::unordered_map<std::string, Branch, NameHash, std::equal_to<>> branches_;
  Patterns wild_;  ///< those that begin with a parameter
  std::vector<std::unique_ptr<Pattern>> patterns_;
  std::vector<Named> names_;
};

}  // namespace nacre::route
