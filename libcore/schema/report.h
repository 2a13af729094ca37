#pragma once

#include <string>
#include <vector>

#include "schema/documents.h"

namespace nacre::schema {

/// Something about a place in a schema, to be read after the name of what stands there: "must be an array".
struct Remark {
  Location place;
  std::string detail;
};

/// A `$ref`, and where it leads.
struct Reference {
  Location from;
  Location to;
};

/// What was found while a schema was compiled, in the order of finding. Places are good as long as the Documents.
struct Report {
  std::vector<Remark> mistakes;
  std::vector<Remark> warnings;
  std::vector<Reference> references;
};

}  // namespace nacre::schema
