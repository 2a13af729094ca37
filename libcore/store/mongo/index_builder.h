#pragma once

#include <set>
#include <string>
#include <vector>

#include "mongo/client.h"
#include "net/dial.h"
#include "store/mongo/indexes.h"

/// Makes collections and their indexes, which may take long: on a thread, over a connection of its own, one
/// command after another.
namespace nacre::store::mongo {

/// Collections whose unique indexes are all there.
using Complete = std::set<std::string>;

/// Makes the collections that are not there yet, and looks at those that are. Error::unavailable.
Result<Complete> make_collections(const nacre::mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                  const net::Patience& patience);

/// What came of making a collection's indexes as they should be.
struct Prepared {
  std::string name;
  std::string blocked{};  ///< keys of a unique index that the documents stand against; empty: all is there
};

/// Makes the unique indexes of collections that are there. What is as it should be is left alone. Error::unavailable.
Result<std::vector<Prepared>> make_unique_indexes(const nacre::mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                                  const net::Patience& patience);

/// Makes the other indexes, and drops those that Nacre made and that nobody wants any more. Error::unavailable.
Result<void> make_other_indexes(const nacre::mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                const net::Patience& patience);

}  // namespace nacre::store::mongo
