#include "base/time.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace nacre {
namespace {

using std::chrono::sys_days;

constexpr Timestamp kFirst{sys_days{std::chrono::year{0} / 1 / 1}};
constexpr Timestamp kEnd{sys_days{std::chrono::year{10'000} / 1 / 1}};

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// A moment taken apart, as the text formats show it.
struct Parts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0;
};

/// Years outside 0000–9999 have no text form; the nearest moment that has one stands in for them.
Timestamp clamp(Timestamp t) { return std::clamp(t, kFirst, kEnd - Milliseconds{1}); }

Parts take_apart(Timestamp t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss<Milliseconds> time{t - day};
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<int>(static_cast<unsigned>(date.month())),
          .day = static_cast<int>(static_cast<unsigned>(date.day())),
          .hour = static_cast<int>(time.hours().count()),
          .minute = static_cast<int>(time.minutes().count()),
          .second = static_cast<int>(time.seconds().count()),
          .millisecond = static_cast<int>(time.subseconds().count())};
}

/// The moment that UTC parts name; nullopt when there is none. A leap second is one only at the end of a UTC day (RFC 3339
/// §5.7), which is looked at after the offset is taken off.
std::optional<Timestamp> put_together(const Parts& p, std::chrono::minutes offset = {}) {
  const std::chrono::year_month_day date{std::chrono::year{p.year}, std::chrono::month{static_cast<unsigned>(p.month)},
                                         std::chrono::day{static_cast<unsigned>(p.day)}};
  if (!date.ok() || p.hour > 23 || p.minute > 59 || p.second > 60) return std::nullopt;
  const auto minute = sys_days{date} + std::chrono::hours{p.hour} + std::chrono::minutes{p.minute} - offset;
  const auto next = minute + std::chrono::minutes{1};
  if (p.second == 60 && std::chrono::floor<std::chrono::days>(next) != next) return std::nullopt;
  const Timestamp t = minute + Seconds{p.second} + Milliseconds{p.millisecond};
  if (t < kFirst || t >= kEnd) return std::nullopt;
  return t;
}

/// Reads a text from the left; each step says whether it found what it wants.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }

  bool literal(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool any_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool number(std::size_t digits, int& value) {
    if (rest_.size() < digits) return false;
    int read = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char c = rest_[i];
      if (c < '0' || c > '9') return false;
      read = read * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    value = read;
    return true;
  }

  /// Digits after a decimal point: at least one; those after the third are cut.
  bool milliseconds(int& value) {
    int digit = 0;
    std::size_t count = 0;
    for (value = 0; number(1, digit); ++count) {
      if (count < 3) value = value * 10 + digit;
    }
    for (std::size_t i = count; i < 3; ++i) value *= 10;
    return count > 0;
  }

  template <std::size_t N>
  bool name(const std::array<std::string_view, N>& names, int& index) {
    for (std::size_t i = 0; i < N; ++i) {
      if (!literal(names[i])) continue;
      index = static_cast<int>(i);
      return true;
    }
    return false;
  }

  bool clock(Parts& p) {
    return number(2, p.hour) && literal(":") && number(2, p.minute) && literal(":") && number(2, p.second);
  }

 private:
  std::string_view rest_;
};

bool scan_offset(Scanner& in, std::chrono::minutes& offset) {
  if (in.any_of("Zz")) return true;
  const bool east = in.literal("+");
  if (!east && !in.literal("-")) return false;
  int hours = 0;
  int minutes = 0;
  if (!in.number(2, hours) || !in.literal(":") || !in.number(2, minutes) || hours > 23 || minutes > 59) return false;
  const int total = hours * 60 + minutes;
  offset = std::chrono::minutes{east ? total : -total};
  return true;
}

using TwoDigits = std::array<std::array<char, 2>, 100>;

constexpr TwoDigits make_two_digits() {
  TwoDigits all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
  }
  return all;
}

constexpr TwoDigits kTwoDigits = make_two_digits();

/// Writes decimal digits, most significant first, with leading zeros; without loops, for each answer has a date.
template <int Width>
void put_number(char* out, int number) {
  const auto value = static_cast<unsigned>(number);
  if constexpr (Width > 2) put_number<Width - 2>(out, static_cast<int>(value / 100));
  if constexpr (Width > 1) {
    std::memcpy(out + Width - 2, kTwoDigits[value % 100].data(), 2);
  } else {
    *out = static_cast<char>('0' + value % 10);
  }
}

/// The dates of one day, of which answers one after another have many.
class DatesOfDay {
 public:
  void turn_to(sys_days day) noexcept {
    day_ = day;
    const std::chrono::year_month_day date{day};
    std::memcpy(text_.data(), "Sun, 00 Jan 0000 00:00:00 GMT", kHttpDateSize);
    std::memcpy(text_.data(), kDays[std::chrono::weekday{day}.c_encoding()].data(), 3);
    put_number<2>(text_.data() + 5, static_cast<int>(static_cast<unsigned>(date.day())));
    std::memcpy(text_.data() + 8, kMonths[static_cast<unsigned>(date.month()) - 1].data(), 3);
    put_number<4>(text_.data() + 12, static_cast<int>(date.year()));
  }
  sys_days day() const noexcept { return day_; }
  void write(std::span<char, kHttpDateSize> to, unsigned second) const noexcept {
    std::memcpy(to.data(), text_.data(), kHttpDateSize);
    put_number<2>(to.data() + 17, static_cast<int>(second / 3600));
    put_number<2>(to.data() + 20, static_cast<int>(second / 60 % 60));
    put_number<2>(to.data() + 23, static_cast<int>(second % 60));
  }

 private:
  sys_days day_ = sys_days::max();
  std::array<char, kHttpDateSize> text_{};
};

bool scan_imf_fixdate(Scanner& in, Parts& p) {
  int weekday = 0;
  if (!in.name(kDays, weekday) || !in.literal(", ") || !in.number(2, p.day) || !in.literal(" ")) return false;
  if (!in.name(kMonths, p.month) || !in.literal(" ") || !in.number(4, p.year) || !in.literal(" ")) return false;
  ++p.month;
  return in.clock(p) && in.literal(" GMT") && in.done();
}

bool scan_rfc850(Scanner& in, Parts& p) {
  int weekday = 0;
  if (!in.name(kLongDays, weekday) || !in.literal(", ") || !in.number(2, p.day) || !in.literal("-")) return false;
  if (!in.name(kMonths, p.month) || !in.literal("-") || !in.number(2, p.year) || !in.literal(" ")) return false;
  ++p.month;
  // The format died in the 1990s, so a fixed pivot says what RFC 9110's moving one would, without a clock.
  p.year += p.year < 70 ? 2000 : 1900;
  return in.clock(p) && in.literal(" GMT") && in.done();
}

bool scan_asctime(Scanner& in, Parts& p) {
  int weekday = 0;
  if (!in.name(kDays, weekday) || !in.literal(" ") || !in.name(kMonths, p.month) || !in.literal(" ")) return false;
  ++p.month;
  if (!(in.literal(" ") ? in.number(1, p.day) : in.number(2, p.day))) return false;
  return in.literal(" ") && in.clock(p) && in.literal(" ") && in.number(4, p.year) && in.done();
}

}  // namespace

Monotonic monotonic_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Monotonic{static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000};
}

std::string format_rfc3339(Timestamp t) {
  std::array<char, kRfc3339Size> text;
  write_rfc3339(text, t);
  return {text.data(), text.size()};
}

void write_rfc3339(std::span<char, kRfc3339Size> to, Timestamp t) noexcept {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  static_assert(kForm.size() == kRfc3339Size);
  const Parts p = take_apart(clamp(t));
  char* const out = to.data();
  kForm.copy(out, kForm.size());
  put_number<4>(out, p.year);
  put_number<2>(out + 5, p.month);
  put_number<2>(out + 8, p.day);
  put_number<2>(out + 11, p.hour);
  put_number<2>(out + 14, p.minute);
  put_number<2>(out + 17, p.second);
  put_number<3>(out + 20, p.millisecond);
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  Scanner in{text};
  Parts p;
  std::chrono::minutes offset{};
  if (!in.number(4, p.year) || !in.literal("-") || !in.number(2, p.month) || !in.literal("-") || !in.number(2, p.day)) {
    return std::nullopt;
  }
  if (!in.any_of("Tt") || !in.clock(p)) return std::nullopt;
  if (in.literal(".") && !in.milliseconds(p.millisecond)) return std::nullopt;
  if (!scan_offset(in, offset) || !in.done()) return std::nullopt;
  return put_together(p, offset);
}

std::string format_http_date(Timestamp t) {
  std::array<char, kHttpDateSize> text{};
  write_http_date(text, t);
  return {text.data(), text.size()};
}

void write_http_date(std::span<char, kHttpDateSize> to, Timestamp t) noexcept {
  t = clamp(t);
  const auto day = std::chrono::floor<std::chrono::days>(t);
  static thread_local DatesOfDay dates;
  if (dates.day() != day) dates.turn_to(day);
  dates.write(to, static_cast<unsigned>(std::chrono::floor<Seconds>(t - day).count()));
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
  for (const auto scan : {scan_imf_fixdate, scan_rfc850, scan_asctime}) {
    Scanner in{text};
    Parts p;
    if (scan(in, p)) return put_together(p);
  }
  return std::nullopt;
}

}  // namespace nacre
