#include "base/object_id.h"

#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/ascii.h"

namespace nacre {

namespace {

/// A fork shares its parent's memory, so the random part belongs to a process id.
struct Machine {
  ::pid_t pid = 0;
  std::array<unsigned char, 5> random{};
  std::uint32_t counter = 0;

  void renew() {
    const ::pid_t now = ::getpid();
    if (pid == now) return;
    pid = now;
    randombytes_buf(random.data(), random.size());
    randombytes_buf(&counter, sizeof counter);
  }
};

}  // namespace

std::string make_object_id(Timestamp now) {
  static Machine machine;
  machine.renew();
  const auto seconds = static_cast<std::uint32_t>(std::chrono::floor<Seconds>(now).time_since_epoch().count());
  const std::uint32_t count = machine.counter++;
  std::array<unsigned char, 12> bytes;
  for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(seconds >> (24 - 8 * i));
  std::copy(machine.random.begin(), machine.random.end(), bytes.begin() + 4);
  for (int i = 0; i < 3; ++i) bytes[static_cast<std::size_t>(9 + i)] = static_cast<unsigned char>(count >> (16 - 8 * i));
  std::array<char, 25> text;
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  return std::string(text.data(), 24);
}

bool is_document_id(std::string_view text) noexcept {
  static constexpr auto kAllowed = [] {
    std::array<bool, 256> all{};
    for (std::size_t c = 0; c < all.size(); ++c)
      all[c] = is_alnum(static_cast<char>(c)) || c == '_' || c == '.' || c == '~' || c == '-';
    return all;
  }();
  const auto allowed = [](char c) { return kAllowed[static_cast<unsigned char>(c)]; };
  if (text == "." || text == "..") return false;  // a URI can't hold them as segments (RFC 3986 §5.2.4)
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace nacre
