#pragma once

#include "base/json.h"
#include "config/config.h"

/// The parts of the OpenAPI document that operations refer to.
namespace nacre::describe {

/// {"$ref": "#/components/KIND/NAME"}
JsonObject reference(std::string_view kind, std::string_view name);

/// All of `components`. Schemas of a resource `notes`: `notes` (what a client puts), `notes.new` (what it creates),
/// `notes.patch` (a merge patch), `notes.document` (what the server answers), `notes.partial` (the same with `fields`),
/// `notes.shown` (either), `notes.page` and `notes.where`.
JsonObject components(const config::Config& config);

}  // namespace nacre::describe
