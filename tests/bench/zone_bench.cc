// Prints the processor time of one operation on the shared-memory zone. No other process uses it: what is measured is the way
// itself, not waiting for locks.
#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "cache/zone.h"
#include "metrics/recorder.h"

namespace {

using nacre::Milliseconds;
using nacre::Monotonic;
using nacre::cache::Entry;
using nacre::cache::Zone;

constexpr std::size_t kZoneSize = 32U << 20U;
constexpr std::size_t kKeys = 10'000;
constexpr std::uint64_t kRounds = 2'000'000;

void measure(const char* what, const std::function<void(std::uint64_t)>& operation, std::uint64_t rounds = kRounds) {
  const std::clock_t start = std::clock();
  for (std::uint64_t i = 0; i < rounds; ++i) operation(i);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("%-40s %8.1f ns\n", what, seconds * 1e9 / static_cast<double>(rounds));
}

}  // namespace

int main() {
  void* const memory = ::mmap(nullptr, kZoneSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return EXIT_FAILURE;
  Zone& zone = Zone::format({static_cast<std::byte*>(memory), kZoneSize});
  const Monotonic now{1'000'000};
  const Milliseconds ttl{60'000};

  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back("0123456789abcdef notes/" + std::to_string(i));
  const Entry small{std::string(240, 'x'), "\"1\"", nacre::Timestamp{}};
  const Entry large{std::string(8192, 'x'), "\"1\"", nacre::Timestamp{}};
  const auto ticket = zone.ticket("notes");
  const auto fill = [&](std::uint64_t i, const Entry& entry) {
    zone.fill(keys[i % kKeys], "notes", ticket, entry, {ttl, ttl}, now);
  };
  std::size_t found = 0;
  const auto find = [&](std::uint64_t i) {
    Entry entry;
    found += zone.find(keys[i % kKeys], now, entry).has_value() ? 1 : 0;
  };

  measure("fill, 240 bytes", [&](std::uint64_t i) { fill(i, small); });
  measure("find, 240 bytes, 10,000 keys", find);
  measure("find, 240 bytes, one key", [&](std::uint64_t) { find(7); });
  measure("find, absent", [&](std::uint64_t) {
    Entry entry;
    found += zone.find("absent", now, entry).has_value() ? 1 : 0;
  });
  measure(
      "fill, 8 KiB, evicting", [&](std::uint64_t i) { fill(i, large); }, kRounds / 10);
  fill(7, large);
  measure(
      "find, 8 KiB, one key", [&](std::uint64_t) { find(7); }, kRounds / 10);
  measure("invalidate", [&](std::uint64_t) { zone.invalidate("notes"); });
  measure("increment", [&](std::uint64_t i) { found += zone.increment(keys[i % kKeys], 1, ttl, now).has_value() ? 1 : 0; });
  measure("take and give back a lease", [&](std::uint64_t i) {
    if (const auto lease = zone.try_lead(keys[i % kKeys], ttl, now)) zone.release(*lease);
  });

  nacre::metrics::Registry::format(zone.metrics());
  nacre::metrics::Registry registry(zone.metrics(), 0);
  nacre::metrics::Recorder recorder(registry, {{"notes.list"}, {"notes.read"}});
  constexpr std::size_t kRead = 1;
  measure("count an answer and its look-up", [&](std::uint64_t i) {
    recorder.answered(kRead, nacre::http::Method::get, 200, std::chrono::nanoseconds(i % 1'000'000));
    recorder.looked_up(nacre::metrics::Tier::l1, nacre::metrics::Lookup::hit);
  });
  std::printf("%zu found, %llu evicted\n", found, static_cast<unsigned long long>(zone.usage().evictions));
  return EXIT_SUCCESS;
}
