#include "schema/misspelt.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/ascii.h"

namespace nacre::schema {
namespace {

/// Words that others use, near to a keyword and meaning something else.
constexpr std::string_view kOthersWords[] = {"types",   "enums",    "requires",  "constant",  "form",
                                             "formats", "patterns", "container", "definition"};

/// Changes of a letter, one more or less, or two that changed places (optimal string alignment), whatever the case.
std::size_t typing_errors(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cells((a.size() + 1) * width);
  const auto cell = [&](std::size_t i, std::size_t j) -> std::size_t& { return cells[i * width + j]; };
  const auto same = [&](std::size_t i, std::size_t j) { return to_lower(a[i - 1]) == to_lower(b[j - 1]); };
  for (std::size_t i = 0; i <= a.size(); ++i) cell(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cell(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto& least = cell(i, j);
      least = std::min({cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + (same(i, j) ? 0 : 1)});
      if (i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j)) least = std::min(least, cell(i - 2, j - 2) + 1);
    }
  }
  return cells.back();
}

}  // namespace

std::string_view meant_keyword(std::string_view unknown, std::span<const std::string_view> keywords) {
  constexpr std::size_t kLongest = 30;
  constexpr std::size_t kLong = 8;
  // `xrequired` is one's own.
  if (unknown.size() > kLongest || unknown.starts_with('x')) return {};
  if (std::find(std::begin(kOthersWords), std::end(kOthersWords), unknown) != std::end(kOthersWords)) return {};
  std::string_view best;
  std::size_t least = 3;
  for (const auto keyword : keywords) {
    // Of short words too many are near to each other.
    const std::size_t most = keyword.size() < 4 ? 0 : keyword.size() < kLong ? 1 : 2;
    const auto errors = typing_errors(unknown, keyword);
    if (errors <= most && errors < least) {
      best = keyword;
      least = errors;
    }
  }
  return best;
}

}  // namespace nacre::schema
