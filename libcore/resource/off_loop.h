#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "fiber/fiber.h"
#include "fiber/gate.h"
#include "json/parse.h"
#include "resource/call.h"
#include "schema/schema.h"

/// Where a body is worked on: what is small on the loop, at once; what could hold the loop up for long on a thread, and as many
/// at a time as there is memory for.
namespace nacre::resource {

/// Text that is parsed, judged and written on the loop: at most some 5 ms.
inline constexpr std::size_t kLoopBytes = 64UL << 10U;
/// The judgement's share of it (schema::Effort).
inline constexpr std::size_t kLoopEffort = 60'000;
/// Memory of all bodies that a worker works on beyond that: their trees, and the texts that are made of them.
inline constexpr std::size_t kLargeBodies = 40UL << 20U;

/// Gives what was freed back to the system, on a thread: the heap of each thread would keep what its largest body took. Nobody
/// waits for it.
void give_memory_back(Reactor& reactor);

/// One request's work on its body. What large bodies take is given back with it, when the answer is made.
class BodyWork {
 public:
  explicit BodyWork(const Call& call) : gate_(call.backend.large_bodies) {}
  ~BodyWork() {
    if (pass_) give_memory_back(fiber::reactor());
  }
  BodyWork(const BodyWork&) = delete;
  BodyWork& operator=(const BodyWork&) = delete;

  using Texts = std::array<std::string_view, 2>;

  /// Calls `work(texts, effort)`, on the loop or on a thread. It may be called twice, for what turned out to be much work. All
  /// else that it touches it must own, or be the worker's: the request may be gone before it is done. `cost` is the work in
  /// bytes of text that is read once. What `work` fails with, else Error::deadline, Error::cancelled, Error::overloaded.
  template <class T, class Work>
  Result<T> run(const Texts& texts, std::size_t cost, Work work) {
    if (cost <= kLoopBytes) {
      schema::Effort effort{kLoopEffort};
      Result<T> done = work(texts, effort);
      if (!effort.spent) return done;
    }
    if (auto entered = enter(texts[0].size() + texts[1].size()); !entered) return entered.error();
    return fiber::on_thread<T>([pass = pass_, work = std::move(work), first = std::string(texts[0]),
                                second = std::string(texts[1])]() mutable -> Result<T> {
      schema::Effort effort;
      return work(Texts{first, second}, effort);
    });
  }

 private:
  /// A tree takes up to 30 times the text, and the answer, what is stored and their copies some 5 times. Who needs more than it
  /// holds gives that back first: two that waited for each other would wait for ever.
  Result<void> enter(std::size_t bytes) {
    bytes_ += bytes;
    pass_.reset();
    auto entered = gate_.enter(5 * bytes_ + std::min(kMaxJsonBytes, 30 * bytes_));
    if (!entered) return entered.error();
    pass_ = std::move(*entered);
    return {};
  }

  fiber::Gate& gate_;
  fiber::Gate::Pass pass_;
  std::size_t bytes_ = 0;  // of all texts that went to a thread
};

}  // namespace nacre::resource
