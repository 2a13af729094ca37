#pragma once

#include <string_view>

namespace nacre::schema {

/// RFC 6570 §2.
bool is_uri_template(std::string_view text);

}  // namespace nacre::schema
