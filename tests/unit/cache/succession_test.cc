#include "cache/succession.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>

#include "cache/shared_memory.h"

using namespace nacre;
using cache::Succession;

namespace {

constexpr Milliseconds kGrace{500};
constexpr Monotonic kNow{1'000'000};

/// Three zones that follow one another. This process is a worker of one, forked ones are of others.
struct Zones {
  Zones() : memory(3 * sizeof(Succession)), at(reinterpret_cast<Succession*>(memory.bytes().data())) {
    for (int i = 0; i < 3; ++i) at[i].join(file);
  }
  ~Zones() { ::close(file.descriptor); }
  Zones(const Zones&) = delete;
  Zones& operator=(const Zones&) = delete;

  /// True when the zone was emptied, so that it serves again.
  bool look(int zone, Monotonic now) {
    bool emptied = false;
    at[zone].look(now, kGrace, [&] { emptied = true; });
    CHECK((!emptied || at[zone].serves()));
    return emptied;
  }

  Succession::File file = Succession::File::make().value();
  test::SharedMemory memory;
  Succession* at;
};

/// A worker of a zone, from when it has entered.
class SuccessionWorker {
 public:
  explicit SuccessionWorker(Zones& zones, int zone)
      : process_([&] {
          zones.at[zone].enter();
          *entered() = std::byte{1};
          ::pause();
        }) {
    while (*entered() == std::byte{0}) ::sched_yield();
  }
  void kill() { process_.kill(); }

 private:
  volatile std::byte* entered() { return memory_.bytes().data(); }

  test::SharedMemory memory_{1};
  test::Child process_;
};

int memory_file(const char* name, std::size_t size, int seals) {
  const int descriptor = ::memfd_create(name, MFD_ALLOW_SEALING);
  REQUIRE(::ftruncate(descriptor, static_cast<off_t>(size)) == 0);
  REQUIRE(::fcntl(descriptor, F_ADD_SEALS, seals) == 0);
  return descriptor;
}

}  // namespace

TEST_CASE("the first zone serves at once, one that never joined always") {
  Zones zones;
  CHECK(zones.at[0].serves());
  zones.at[0].enter();
  CHECK(zones.at[0].serves());
  const SuccessionWorker another(zones, 0);
  CHECK(zones.at[0].serves());
  CHECK_FALSE(zones.look(0, kNow));
  const test::SharedMemory zeroed(sizeof(Succession));
  CHECK(reinterpret_cast<const Succession*>(zeroed.bytes().data())->serves());
}

TEST_CASE("of two zones with workers none serves; the later one does when the earlier one's have ended, a while after") {
  Zones zones;
  SuccessionWorker first(zones, 0);
  SuccessionWorker second(zones, 0);
  CHECK(zones.at[0].serves());
  zones.at[1].enter();
  CHECK_FALSE(zones.at[0].serves());
  CHECK_FALSE(zones.look(1, kNow));
  first.kill();
  CHECK_FALSE(zones.look(1, kNow + 2 * kGrace));
  second.kill();
  CHECK_FALSE(zones.look(1, kNow + 3 * kGrace));
  CHECK_FALSE(zones.look(1, kNow + (4 * kGrace - Milliseconds{1})));
  CHECK_FALSE(zones.at[1].serves());
  CHECK(zones.look(1, kNow + 4 * kGrace));
  CHECK_FALSE(zones.at[0].serves());
}

TEST_CASE("an upgrade that is taken back leaves the earlier zone, which begins anew") {
  Zones zones;
  zones.at[0].enter();
  {
    const SuccessionWorker upgraded(zones, 1);
    CHECK_FALSE(zones.at[0].serves());
    CHECK_FALSE(zones.look(0, kNow));
  }
  CHECK_FALSE(zones.at[0].serves());
  CHECK_FALSE(zones.look(0, kNow));
  SUBCASE("for good") {
    CHECK(zones.look(0, kNow + kGrace));
    CHECK_FALSE(zones.look(0, kNow + kGrace));
  }
  SUBCASE("and is tried again before that: the time begins anew") {
    SuccessionWorker again(zones, 2);
    again.kill();
    CHECK_FALSE(zones.look(0, kNow + kGrace));
    CHECK(zones.look(0, kNow + 2 * kGrace));
  }
}

TEST_CASE("a zone that was made and never used, for a reload that failed, changes nothing") {
  Zones zones;  // the later two are such
  zones.at[0].enter();
  CHECK(zones.at[0].serves());
}

TEST_CASE("a process finds the file that it has, among others like it") {
  const int others[] = {memory_file("nacre-zones", sizeof(Succession::Page), 0),
                        memory_file("nacre-zones", sizeof(Succession::Page), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                        memory_file("nacre-zones-1", sizeof(Succession::Page), F_SEAL_SEAL)};
  CHECK_FALSE(Succession::File::find().has_value());
  const auto file = Succession::File::find_or_make();
  REQUIRE(file);
  CHECK(Succession::File::find_or_make()->page == file->page);
  const auto found = Succession::File::find();  // as a new program does
  REQUIRE(found);
  CHECK(found->descriptor == file->descriptor);
  file->page->zones = 7;
  CHECK(found->page->zones == 7);
  for (const int other : others) ::close(other);
}
