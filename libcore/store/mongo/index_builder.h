#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "mongo/target.h"
#include "net/dial.h"
#include "store/mongo/indexes.h"

/// Makes collections and their indexes, which may take long: on a thread, by libmongoc, one command after another.
namespace nacre::store::on_mongo {

/// What is made, in this order. Unique indexes come before the others, for what may take long must not keep writes waiting.
enum class Step : std::uint8_t { collections, unique_indexes, other_indexes };

/// Which reading of the configuration wants something. Only the newest that the database knows of makes and drops indexes.
struct Reading {
  std::string id;  ///< shared by all workers of a cycle of nginx
  Timestamp at{};
};

/// What could not be done, and why.
struct Trouble {
  std::string what;      ///< "the unique index on slug can't be made"
  std::string why;       ///< for clients and operators, in our words
  std::string internal;  ///< in the server's

  bool operator==(const Trouble&) const = default;
};

/// What came of a step for one collection.
struct Prepared {
  std::string name;
  bool complete = false;  ///< its unique indexes are all there, or a newer configuration does not want them
  bool whole = false;     ///< so are all others, and it needs nothing made
  std::vector<Trouble> troubles{};
};

/// Takes a step for all collections; what can't be made of one keeps nothing of the others from being made. What is there is
/// left alone. Error::unavailable: the server is away.
Result<std::vector<Prepared>> take_step(Step step, const mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                        const Reading& reading, const net::Patience& patience);

}  // namespace nacre::store::on_mongo
