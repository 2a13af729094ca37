#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "schema/format.h"
#include "schema/pattern.h"
#include "schema/schema.h"

/// The compiled form of a schema: what `compile` makes and everything else walks.
namespace nacre::schema {

struct Node;

/// A number of characters, items or members.
struct Count {
  std::size_t least = 0;
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

struct Property {
  std::string name;
  const Node* node = nullptr;
};

struct PatternProperty {
  Pattern pattern;
  const Node* node = nullptr;
};

/// `dependencies`: what must hold when the property `name` is there.
struct Dependency {
  std::string name;
  std::vector<std::string> required;
  const Node* node = nullptr;
};

/// One schema. A `$ref` has no node of its own: who refers to it holds the node that is meant, so nodes form a graph, which may
/// have cycles, but none through `in_place` alone. `nullptr` is a keyword that does not stand there.
struct Node {
  bool never = false;     ///< the schema `false`
  bool anything = false;  ///< the schema `true` or `{}`
  std::uint8_t types = kAny;
  std::optional<std::vector<Json>> choices;  ///< `enum`, in its order
  std::optional<Json> constant;

  std::optional<Json> minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;

  Count length;
  std::optional<Pattern> pattern;
  Format format = Format::none;

  Count items;
  std::vector<const Node*> tuple;  ///< `items` as an array: one for each of the first items
  const Node* further = nullptr;   ///< all other items: `items` as a schema, or `additionalItems`
  const Node* contains = nullptr;
  bool unique = false;

  Count members;
  std::vector<std::string> required;
  std::vector<Property> properties;  ///< by name
  std::vector<PatternProperty> patterns;
  const Node* additional = nullptr;
  const Node* names = nullptr;
  std::vector<Dependency> dependencies;

  std::vector<const Node*> all_of, any_of, one_of;
  const Node* negated = nullptr;
  const Node* condition = nullptr;
  const Node* then = nullptr;
  const Node* otherwise = nullptr;

  const Node* property(std::string_view name) const noexcept;
  /// The nodes that judge the same value as this one.
  std::vector<const Node*> in_place() const;
};

/// The JSON type of a value as one bit. A double without a fraction is an integer (draft 6 and later).
Type type_of(const Json& value) noexcept;

}  // namespace nacre::schema
