#pragma once

#include <mongoc/mongoc.h>

#include <optional>
#include <string_view>

#include "mongo/members.h"

namespace nacre::mongo {

/// A server's answer to `hello`, a BSON document, for as long as the description lives.
std::string_view hello_of(const mongoc_server_description_t& description);

/// By which election a member is the primary of a replica set, as its answer to `hello` says; nullopt: it calls itself none.
std::optional<Election> election_of(const mongoc_server_description_t& description);

}  // namespace nacre::mongo
