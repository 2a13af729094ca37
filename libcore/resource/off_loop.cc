#include "resource/off_loop.h"

#include <malloc.h>

namespace nacre::resource {
namespace {

/// Owns itself until it is done.
struct Trim final : ThreadJob {
  void run() noexcept override {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }
  void done() noexcept override { self.reset(); }

  std::shared_ptr<Trim> self;
};

}  // namespace

void BodyWork::give_memory_back() {
  auto trim = std::make_shared<Trim>();
  trim->self = trim;
  if (!fiber::reactor().run_on_thread(*trim)) trim->self.reset();
}

}  // namespace nacre::resource
