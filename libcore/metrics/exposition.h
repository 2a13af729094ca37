#pragma once

#include <span>
#include <string>
#include <vector>

#include "metrics/registry.h"

namespace nacre::metrics {

/// A number that is known at the moment of asking and not kept in the registry.
struct Sample {
  const Family& family;
  std::vector<std::string_view> labels;  ///< one for each label of the family
  std::uint64_t value = 0;
};

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

/// Prometheus' text format 0.0.4: all of the registry, and `samples`, family by family. Families without a series are left out.
std::string expose(const Registry& registry, std::span<const Sample> samples);

}  // namespace nacre::metrics
