#pragma once

#include <string>

#include "mongo/bson_writer.h"

namespace nacre::store::on_mongo {

/// The BSON document that `body` writes.
template <class Body>
std::string bson_of(Body&& body) {
  std::string out;
  nacre::mongo::BsonWriter bson(out);
  bson.document([&] { body(bson); });
  return out;
}

}  // namespace nacre::store::on_mongo
