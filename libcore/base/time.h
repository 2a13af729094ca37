#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nacre {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// Wall-clock time, UTC, milliseconds: what documents carry. May be set back at any moment; never used for waiting.
using Timestamp = std::chrono::sys_time<Milliseconds>;

/// Milliseconds of the system-wide monotonic clock (CLOCK_MONOTONIC), the same in all processes of one host: what deadlines and
/// cache lifetimes are measured in.
enum class Monotonic : std::int64_t {};
constexpr Monotonic operator+(Monotonic t, Milliseconds d) { return Monotonic{static_cast<std::int64_t>(t) + d.count()}; }
constexpr Milliseconds operator-(Monotonic a, Monotonic b) {
  return Milliseconds{static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b)};
}
Monotonic monotonic_now() noexcept;

/// Adds the time of a scope to a total.
class Stopwatch {
 public:
  explicit Stopwatch(std::chrono::microseconds& total) : total_(total), began_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() { total_ += std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began_); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  std::chrono::microseconds& total_;
  std::chrono::steady_clock::time_point began_;
};

/// "2026-01-02T03:04:05.678Z" (RFC 3339, UTC, milliseconds; always 24 characters for the years 0000 to 9999).
std::string format_rfc3339(Timestamp t);
inline constexpr std::size_t kRfc3339Size = 24;
void write_rfc3339(std::span<char, kRfc3339Size> to, Timestamp t) noexcept;

/// Any RFC 3339 §5.6 date-time with any offset; a fraction finer than milliseconds is cut; a leap second (60) becomes the next
/// second. nullopt when malformed, when the day does not exist, or when the UTC year leaves 0000–9999.
std::optional<Timestamp> parse_rfc3339(std::string_view text);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7 IMF-fixdate); the fraction of the second is cut.
std::string format_http_date(Timestamp t);
inline constexpr std::size_t kHttpDateSize = 29;
void write_http_date(std::span<char, kHttpDateSize> to, Timestamp t) noexcept;
/// A moment and how HTTP writes it: made once, then only copied.
struct HttpDate {
  HttpDate() = default;
  HttpDate(Timestamp t) noexcept : at(t) { write_http_date(text, t); }  // NOLINT(google-explicit-constructor)
  operator Timestamp() const noexcept { return at; }                    // NOLINT(google-explicit-constructor)
  std::string_view view() const noexcept { return {text.data(), text.size()}; }
  friend bool operator==(const HttpDate& one, const HttpDate& other) noexcept { return one.at == other.at; }

  Timestamp at{};
  std::array<char, kHttpDateSize> text{};
};
std::optional<Timestamp> parse_http_date(std::string_view text);

}  // namespace nacre
