#include "metrics/exposition.h"

#include <charconv>

namespace nacre::metrics {

namespace {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      break;
  }
  return "histogram";
}

/// Nanoseconds as seconds, exact, without an exponent.
std::string seconds(std::uint64_t nanoseconds) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::string text = std::to_string(nanoseconds / kSecond);
  if (const std::uint64_t rest = nanoseconds % kSecond; rest != 0) {
    const std::string digits = std::to_string(kSecond + rest);  // a 1, then the nine digits
    text += '.';
    text.append(digits, 1, digits.find_last_not_of('0'));
  }
  return text;
}

class Writer {
 public:
  std::string take() { return std::move(text_); }

  void head(const Family& family) {
    text_.append("# HELP ").append(family.name).append(" ").append(family.help);
    text_.append("\n# TYPE ").append(family.name).append(" ").append(to_string(family.kind)).append("\n");
  }

  void line(std::string_view name, std::string_view suffix, std::string_view labels, std::string_view value) {
    text_.append(name).append(suffix);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(value).append("\n");
  }

  void histogram(const Registry& registry, const Registry::Series& series) {
    std::string labels(series.labels());
    if (!labels.empty()) labels += ',';
    const std::size_t length = labels.size();
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
      count += registry.value(series, i);
      labels.resize(length);
      labels += "le=\"" + (i < Histogram::kBounds.size() ? seconds(Histogram::kBounds[i]) : "+Inf") + '"';
      line(series.family(), "_bucket", labels, std::to_string(count));
    }
    line(series.family(), "_sum", series.labels(), seconds(registry.value(series, Histogram::kBuckets)));
    line(series.family(), "_count", series.labels(), std::to_string(count));
  }

 private:
  std::string text_;
};

}  // namespace

std::string expose(const Registry& registry, std::span<const Sample> samples) {
  Writer writer;
  for (const Family* const family : kFamilies) {
    bool begun = false;
    const auto begin = [&] {
      if (!begun) writer.head(*family);
      begun = true;
    };
    registry.each([&](const Registry::Series& series) {
      if (series.family() != family->name) return;
      begin();
      if (family->kind == Kind::histogram) {
        writer.histogram(registry, series);
      } else {
        writer.line(family->name, "", series.labels(), std::to_string(registry.value(series)));
      }
    });
    for (const Sample& sample : samples) {
      if (&sample.family != family) continue;
      begin();
      writer.line(family->name, "", format_labels(*family, sample.labels), std::to_string(sample.value));
    }
    if (family == &kLostSeries) {
      begin();
      writer.line(family->name, "", "", std::to_string(registry.lost()));
    }
  }
  return writer.take();
}

}  // namespace nacre::metrics
