#pragma once

#include "config/config.h"
#include "config/yaml.h"

namespace nacre::config {

/// Reads `auth`. Messages name nothing of `mail.uri`: a password stands there.
Auth read_auth(const Source& source, const Member& member);

}  // namespace nacre::config
