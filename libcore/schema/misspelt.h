#pragma once

#include <span>
#include <string_view>

namespace nacre::schema {

/// The keyword that an unknown one is most likely a typing error for (`minLenght`, `requird`, `additionalproperties`), or "".
/// Only what is very close counts: published schemas have words of their own, and those that later drafts gave a meaning.
std::string_view meant_keyword(std::string_view unknown, std::span<const std::string_view> keywords);

}  // namespace nacre::schema
