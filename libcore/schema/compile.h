#pragma once

#include <deque>

#include "base/error.h"
#include "base/json.h"
#include "schema/node.h"

namespace nacre::schema {

/// A compiled schema: nodes that point at each other.
struct Graph {
  std::deque<Node> nodes;
  const Node* root = nullptr;
  bool has_dates = false;  ///< some node has `format: date-time`
};

/// Compiles any draft 7 schema; what only a resource's may not have is for Schema::compile. Error::unprocessable with the place
/// in errors[0].
Result<Graph> compile_graph(const Json& schema);

}  // namespace nacre::schema
