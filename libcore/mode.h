#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nacre {

/// What a location serves: the argument of the `nacre` directive.
enum class Mode : std::uint8_t { api, live, ready, metrics, openapi, docs, status };

inline constexpr std::array<std::string_view, 7> kModeNames = {"api", "live", "ready", "metrics", "openapi", "docs", "status"};

constexpr std::string_view to_string(Mode mode) noexcept { return kModeNames[static_cast<std::size_t>(mode)]; }

constexpr std::optional<Mode> parse_mode(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kModeNames.size(); ++i) {
    if (kModeNames[i] == name) return static_cast<Mode>(i);
  }
  return std::nullopt;
}

}  // namespace nacre
