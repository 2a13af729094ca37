#pragma once

#include "config/yaml.h"
#include "http/cors.h"

namespace nacre::config {

/// `cors: { origins: ["https://app.example.com"], credentials: true, max_age: 10m }`
http::CorsRules read_cors(const Source& source, const Member& member);

}  // namespace nacre::config
