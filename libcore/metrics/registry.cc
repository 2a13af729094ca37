#include "metrics/registry.h"

#include <algorithm>
#include <new>

namespace nacre::metrics {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLeastStripe = 16U << 10U;  // bytes; with less than this for each, or than is needed, stripes are fewer
constexpr std::uint32_t kMostStripes = 16;

constexpr std::size_t align_down(std::size_t size, std::size_t to) { return size / to * to; }
constexpr std::size_t align_up(std::size_t size, std::size_t to) { return align_down(size + to - 1, to); }

}  // namespace

std::size_t Registry::texts_of(std::size_t memory) noexcept { return align_down(memory / 8 * 5, kAlignment); }

std::size_t Registry::cells_of(std::size_t memory) noexcept {
  return memory - align_up(sizeof(Layout), kAlignment) - texts_of(memory);
}

void Histogram::observe(std::chrono::nanoseconds time) const noexcept {
  if (cells_ == nullptr) return;
  const auto nanoseconds = std::max<std::chrono::nanoseconds::rep>(time.count(), 0);
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && nanoseconds > kBounds[bucket]) ++bucket;
  cells_[bucket].fetch_add(1, std::memory_order_relaxed);
  cells_[kBuckets].fetch_add(static_cast<std::uint64_t>(nanoseconds), std::memory_order_relaxed);
}

void Room::add(const Family& family, std::size_t labels_size) noexcept {
  texts += align_up(sizeof(Registry::Series) + family.name.size() + labels_size, alignof(Registry::Series));
  cells += (family.kind == Kind::histogram ? Histogram::kCells : 1) * sizeof(Cell);
}

bool Room::fits(std::size_t memory) const noexcept {
  return texts <= Registry::texts_of(memory) && cells <= Registry::cells_of(memory);
}

void Registry::format(std::span<std::byte> memory, Room expected) noexcept {
  static_assert(sizeof(Layout) % alignof(Series) == 0);
  auto& layout = *::new (memory.data()) Layout();
  layout.mutex.init();
  layout.text_size = static_cast<std::uint32_t>(texts_of(memory.size()));
  const std::size_t left = cells_of(memory.size());
  const std::size_t stripe = std::max(kLeastStripe, align_up(expected.cells, kAlignment));
  layout.stripes = std::clamp<std::uint32_t>(static_cast<std::uint32_t>(left / stripe), 1, kMostStripes);
  layout.cells = static_cast<std::uint32_t>(align_down(left / layout.stripes, kAlignment) / sizeof(Cell));
}

Registry::Registry(std::span<std::byte> memory, std::uint32_t worker) noexcept
    : layout_(*reinterpret_cast<Layout*>(memory.data())), stripe_(worker % layout_.stripes) {}

Cell* Registry::stripe(std::uint32_t index) const noexcept {
  // From the start of the zone's part, which is aligned, in whole cache lines.
  const std::size_t at = align_up(sizeof(Layout), kAlignment) + layout_.text_size;
  return reinterpret_cast<Cell*>(reinterpret_cast<std::byte*>(&layout_) + at) + static_cast<std::size_t>(index) * layout_.cells;
}

const Registry::Series* Registry::find(std::string_view family, std::string_view labels) const noexcept {
  const Series* found = nullptr;
  each([&](const Series& series) {
    if (series.labels() == labels && series.family() == family) found = &series;
  });
  return found;
}

Cell* Registry::resolve(const Family& family, std::initializer_list<std::string_view> values, std::uint32_t cells) {
  const std::string labels = format_labels(family, values);
  const RobustLock lock(layout_.mutex);  // a process that died in appending had not published anything yet
  const Series* series = find(family.name, labels);
  if (series == nullptr) {
    const std::uint32_t used = layout_.used.load(std::memory_order_relaxed);
    const std::size_t size = align_up(sizeof(Series) + family.name.size() + labels.size(), alignof(Series));
    if (size > layout_.text_size - used || cells > layout_.cells - layout_.used_cells) {
      layout_.lost.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    auto* const added = reinterpret_cast<Series*>(texts() + used);
    *added = {static_cast<std::uint32_t>(size), layout_.used_cells, static_cast<std::uint32_t>(family.name.size()),
              static_cast<std::uint32_t>(labels.size())};
    char* const text = reinterpret_cast<char*>(added + 1);
    std::ranges::copy(family.name, text);
    std::ranges::copy(labels, text + family.name.size());
    layout_.used_cells += cells;
    layout_.used.store(used + static_cast<std::uint32_t>(size), std::memory_order_release);
    series = added;
  }
  return stripe(stripe_) + series->cell;
}

Counter Registry::counter(const Family& family, std::initializer_list<std::string_view> values) {
  return Counter(resolve(family, values, 1));
}

Histogram Registry::histogram(const Family& family, std::initializer_list<std::string_view> values) {
  return Histogram(resolve(family, values, Histogram::kCells));
}

std::uint64_t Registry::value(const Series& series, std::size_t index) const noexcept {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < layout_.stripes; ++i) sum += stripe(i)[series.cell + index].load(std::memory_order_relaxed);
  return sum;
}

std::string format_labels(const Family& family, std::span<const std::string_view> values) {
  std::string text;
  for (std::size_t i = 0; i < values.size() && i < family.labels.size(); ++i) {
    if (i > 0) text += ',';
    text += family.labels[i];
    text += "=\"";
    for (const char c : values[i]) {
      if (c == '\n') {
        text += "\\n";
        continue;
      }
      if (c == '\\' || c == '"') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text;
}

}  // namespace nacre::metrics
