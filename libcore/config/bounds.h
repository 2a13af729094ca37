#pragma once

#include "base/time.h"

/// What durations and numbers of nacre.yaml may be.
namespace nacre::config {

inline constexpr Milliseconds kShortestTimeout{1};
inline constexpr Milliseconds kLongestTimeout{10LL * 60 * 1000};
inline constexpr Milliseconds kShortestLifetime{1};
inline constexpr Milliseconds kLongestLifetime{365LL * 24 * 3600 * 1000};
inline constexpr std::uint32_t kLargestPage = 1'000;
inline constexpr std::uint32_t kLargestBurst = 1'000'000;
inline constexpr std::uint32_t kLeastPassword = 8;  // NIST SP 800-63B-4 §3.1.1.2
inline constexpr std::uint32_t kLongestPassword = 1'024;
inline constexpr std::size_t kMostIndexes = 32;
inline constexpr std::size_t kMostIndexKeys = 8;
inline constexpr std::size_t kMostIndexText = 4'000;  // bytes: a cursor with them fits into 8 KB of a request's first line

}  // namespace nacre::config
