#pragma once

#include "mongo/client.h"
#include "net/dial.h"
#include "store/mongo/indexes.h"

/// Errands to the database that may take long, such as building an index: on a thread, over a connection of their own, one
/// command after another.
namespace nacre::store::mongo {

/// What came of making a collection as it should be.
struct Prepared {
  std::string name;
  std::string blocked{};  ///< keys of a unique index that the documents stand against; empty: all is there
};

/// Makes collections and their indexes, and drops indexes that Nacre made and that nobody wants any more. What is there already
/// is left alone, so all workers do it, and whoever comes first has done it for all. Error::unavailable.
Result<std::vector<Prepared>> prepare(const nacre::mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                      const net::Patience& patience);

}  // namespace nacre::store::mongo
