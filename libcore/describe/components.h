#pragma once

#include "base/json.h"
#include "config/config.h"

/// The parts of the OpenAPI document that operations refer to.
namespace nacre::describe {

/// {"$ref": "#/components/KIND/NAME"}
JsonObject reference(std::string_view kind, std::string_view name);

/// All of `components`. Schemas of a resource `notes`: `notes` (what a client
/// writes), `notes.new` (the same, perhaps with an
/// `_id`), `notes.document` (what the server answers), `notes.page`.
JsonObject components(const config::Config& config);

}  // namespace nacre::describe
