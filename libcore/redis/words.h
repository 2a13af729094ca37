#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

namespace nacre::redis {

/// The words of one command: its name and its arguments, any bytes.
using Words = std::span<const std::string_view>;

inline Words words_of(std::initializer_list<std::string_view> words) { return {words.begin(), words.size()}; }

}  // namespace nacre::redis
