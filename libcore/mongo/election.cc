#include "mongo/election.h"

#include "mongo/bson_reader.h"

namespace nacre::mongo {

std::string_view hello_of(const mongoc_server_description_t& description) {
  const bson_t* const hello = mongoc_server_description_hello_response(&description);
  return {reinterpret_cast<const char*>(bson_get_data(hello)), hello->len};
}

std::optional<Election> election_of(const mongoc_server_description_t& description) {
  if (std::string_view(mongoc_server_description_type(&description)) != "RSPrimary") return std::nullopt;
  const std::string_view hello = hello_of(description);
  const auto whole = [&](std::string_view name) {
    const auto found = find(hello, name);
    return found && found->is_integer() ? std::optional(found->integer()) : std::nullopt;
  };
  Election election;
  const auto id = find(hello, "electionId");
  if (id && id->type == BsonType::object_id) election.id = id->value;
  election.set_version = whole("setVersion").value_or(election.set_version);
  election.wire_version = whole("maxWireVersion").value_or(election.wire_version);
  return election;
}

}  // namespace nacre::mongo
