#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "store/mongo/id.h"

namespace nacre::store::on_mongo {

/// An index as it should be.
struct IndexPlan {
  std::string name;  ///< holds a hash of the definition: a changed one is another index
  std::string spec;  ///< BSON, as createIndexes takes it
  std::string keys;  ///< as the configuration has them, for messages: "slug" or "author, title"
  bool unique = false;
};

/// What a resource needs in the database. Made from the configuration alone, so that a thread can work with it.
struct CollectionPlan {
  std::string name;
  std::vector<IndexPlan> indexes;
  std::vector<std::string> not_indexed;  ///< keys of indexes that can't be made here, for the log

  bool has_unique() const noexcept;
};

/// Names of indexes that Nacre made, and may drop.
inline constexpr std::string_view kIndexPrefix = "nacre_";

/// An index of the configuration serves filters and orders, and ends with `_id`, so that it serves the order of pages. A unique
/// one has a second index that enforces it. That one is sparse: it leaves out documents that have none of its keys, and takes
/// missing for null where they have others. One with a field that the server sets is partial instead, which needs MongoDB 6.0.
/// Keys that may hold arrays can't be unique, for MongoDB would let no two documents share an element, and of several such keys
/// no index can be made at all.
CollectionPlan plan_collection(const config::Resource& resource);

/// The collection of remembered values, which MongoDB deletes once they have expired.
CollectionPlan plan_remembered();
inline constexpr std::string_view kRemembered = "nacre_remembered";

}  // namespace nacre::store::on_mongo
