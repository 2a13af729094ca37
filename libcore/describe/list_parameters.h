#pragma once

#include "base/json.h"
#include "config/config.h"

/// What a list can be asked for: the query parameters, as far as a schema can say it.
namespace nacre::describe {

/// The parameters `where`, `sort`, `fields`, `limit` of one resource's list, by name. They name the fields that the resource
/// has.
JsonObject list_parameters(const config::Resource& resource);

/// The parameters that are the same for all: `after`, `count`.
JsonObject common_list_parameters();

/// The schema of `where`: `notes.where`. How deep conditions may be in one another, and how many they may be, is left to the
/// description. It refers to itself and to `where_schemas`.
JsonObject where_schema(const config::Resource& resource);

/// The schemas that every `where_schema` refers to, `Where.…`.
JsonObject where_schemas();

}  // namespace nacre::describe
