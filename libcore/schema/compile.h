#pragma once

#include <deque>

#include "base/error.h"
#include "base/json.h"
#include "schema/documents.h"
#include "schema/node.h"
#include "schema/report.h"

namespace nacre::schema {

/// A compiled schema: nodes that point at each other.
struct Graph {
  std::deque<Node> nodes;
  const Node* root = nullptr;
};

/// Compiles any draft 7 schema; what only a resource's may not have is for Schema::compile. All mistakes and warnings go into
/// `report`; with a mistake in it the graph is of no use.
Graph compile_graph(Documents& documents, Report& report);

/// Error::unprocessable with all mistakes, when there are any.
Failure failure_of(const std::vector<Remark>& mistakes);

}  // namespace nacre::schema
