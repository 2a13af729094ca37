// Prints how often a second one process, and then two at once, find one hot key of the shared-memory zone:
// zone_readers_bench SECONDS. A find copies a document of 240 bytes out.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "cache/zone.h"

namespace {

using nacre::Milliseconds;
using nacre::Monotonic;
using nacre::cache::Entry;
using nacre::cache::Zone;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kZoneSize = 32U << 20U;
constexpr std::string_view kHot = "0123456789abcdef notes/hot";
constexpr int kBatch = 1000;

void* map(std::size_t size) {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::exit(EXIT_FAILURE);
  return memory;
}

/// What the readers and the one who started them share.
struct Shared {
  std::atomic<bool> go;
  std::array<double, 2> rates;  ///< by reader
};

/// In a process of its own. Its clock is read now and then, as a worker's is once in a turn of the loop.
[[noreturn]] void read(Zone& zone, Shared& shared, std::size_t reader, std::chrono::duration<double> time) {
  while (!shared.go.load()) {
  }
  const auto began = Clock::now();
  std::uint64_t found = 0;
  std::chrono::duration<double> took{};
  for (; took < time; took = Clock::now() - began) {
    const Monotonic now = nacre::monotonic_now();
    for (int i = 0; i < kBatch; ++i) {
      Entry entry;
      found += zone.find(kHot, now, entry).has_value() ? 1 : 0;
    }
  }
  shared.rates[reader] = static_cast<double>(found) / took.count();
  ::_exit(EXIT_SUCCESS);
}

double rate_of(Zone& zone, Shared& shared, std::size_t readers, std::chrono::duration<double> time) {
  shared.go = false;
  for (std::size_t reader = 0; reader < readers; ++reader) {
    if (::fork() == 0) read(zone, shared, reader, time);
  }
  shared.go = true;
  double sum = 0;
  for (std::size_t reader = 0; reader < readers; ++reader) ::wait(nullptr);
  for (std::size_t reader = 0; reader < readers; ++reader) sum += shared.rates[reader];
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const std::chrono::duration<double> time(argc > 1 ? std::atof(argv[1]) : 1.0);
  Zone& zone = Zone::format({static_cast<std::byte*>(map(kZoneSize)), kZoneSize});
  auto& shared = *::new (map(sizeof(Shared))) Shared{};
  constexpr Milliseconds kLong{3'600'000};
  zone.fill(kHot, "notes/hot", zone.ticket("notes/hot"), {std::string(240, 'x'), "\"1\"", nacre::Timestamp{}}, {kLong, kLong},
            nacre::monotonic_now());
  const double one = rate_of(zone, shared, 1, time);
  const double two = rate_of(zone, shared, 2, time);
  std::printf("%.0f %.0f\n", one, two);
  return EXIT_SUCCESS;
}
