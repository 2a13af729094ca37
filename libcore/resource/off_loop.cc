#include "resource/off_loop.h"

#include <malloc.h>

namespace nacre::resource {
namespace {

/// One for a process: what is given back by one is given back for all that asked since.
struct Trim final : ThreadJob {
  void run() noexcept override {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }
  void done() noexcept override { waiting = false; }

  bool waiting = false;
};

}  // namespace

void give_memory_back(Reactor& reactor) {
  static Trim trim;
  if (!trim.waiting) trim.waiting = reactor.run_on_thread(trim);
}

}  // namespace nacre::resource
