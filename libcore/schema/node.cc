#include "schema/node.h"

#include <algorithm>
#include <cmath>

namespace nacre::schema {

const Node* Node::property(std::string_view name) const noexcept {
  const auto found = std::lower_bound(properties.begin(), properties.end(), name,
                                      [](const Property& property, std::string_view wanted) { return property.name < wanted; });
  return found != properties.end() && found->name == name ? found->node : nullptr;
}

std::vector<const Node*> Node::in_place() const {
  std::vector<const Node*> nodes;
  for (const auto* list : {&all_of, &any_of, &one_of}) nodes.insert(nodes.end(), list->begin(), list->end());
  for (const Node* node : {negated, condition, then, otherwise}) {
    if (node != nullptr) nodes.push_back(node);
  }
  for (const Dependency& dependency : dependencies) {
    if (dependency.node != nullptr) nodes.push_back(dependency.node);
  }
  return nodes;
}

Type type_of(const Json& value) noexcept {
  switch (value.kind()) {
    case boost::json::kind::null:
      return kNull;
    case boost::json::kind::bool_:
      return kBoolean;
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
      return kInteger;
    case boost::json::kind::double_:
      return std::trunc(value.get_double()) == value.get_double() ? kInteger : kNumber;
    case boost::json::kind::string:
      return kString;
    case boost::json::kind::array:
      return kArray;
    case boost::json::kind::object:
      return kObject;
  }
  return kAny;
}

}  // namespace nacre::schema
