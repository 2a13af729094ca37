#include "mongo/election.h"

#include <string_view>

namespace nacre::mongo {

std::optional<Election> election_of(const mongoc_server_description_t& description) {
  if (std::string_view(mongoc_server_description_type(&description)) != "RSPrimary") return std::nullopt;
  const bson_t* const hello = mongoc_server_description_hello_response(&description);
  Election election;
  bson_iter_t found;
  if (bson_iter_init_find(&found, hello, "electionId") && BSON_ITER_HOLDS_OID(&found)) {
    const auto* const id = bson_iter_oid(&found);
    election.id.assign(reinterpret_cast<const char*>(id->bytes), sizeof id->bytes);
  }
  if (bson_iter_init_find(&found, hello, "setVersion") && BSON_ITER_HOLDS_INT(&found)) {
    election.set_version = bson_iter_as_int64(&found);
  }
  if (bson_iter_init_find(&found, hello, "maxWireVersion") && BSON_ITER_HOLDS_INT(&found)) {
    election.wire_version = bson_iter_as_int64(&found);
  }
  return election;
}

}  // namespace nacre::mongo
