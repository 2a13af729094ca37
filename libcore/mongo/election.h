#pragma once

#include <mongoc/mongoc.h>

#include <optional>

#include "mongo/members.h"

namespace nacre::mongo {

/// By which election a member is the primary of a replica set, as its answer to `hello` says; nullopt: it calls itself none.
std::optional<Election> election_of(const mongoc_server_description_t& description);

}  // namespace nacre::mongo
