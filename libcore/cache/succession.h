#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace nacre::cache {

/// Zones of one nginx that follow one another. After a reload with another size, and in a binary upgrade (also one that is
/// taken back), processes of several zones answer side by side, and tell what they write their own zone alone. So a zone serves
/// and keeps entries only while no process of another zone lives.
///
/// All zones share a file in memory: a page that says which zone serves, and record locks (fcntl) of which
/// each process holds one as long as it lives, so that the kernel tells who has ended. The file passes on by fork and exec.
/// Whoever closes a descriptor of it in a worker loses that worker's lock: nobody does.
class Succession {
 public:
  struct Page {
    std::uint64_t magic;                 ///< tells the file from others
    std::atomic<std::uint64_t> zones;    ///< that were made: each has a number, from 1
    std::atomic<std::uint64_t> serving;  ///< a zone's number, or kNone
    std::int64_t alone_since;            ///< when one zone's processes were first seen to be the only ones; 0: not yet
    std::atomic<std::uint64_t> marks;    ///< of all zones: see Trust
  };
  struct File {
    int descriptor = -1;
    Page* page = nullptr;

    /// nullopt, with errno, where the system gives none.
    static std::optional<File> make() noexcept;
    /// The one that this process has from the program that it was before an exec. nullopt, with errno 0, where it has none.
    static std::optional<File> find() noexcept;
    /// The one that this process has already, be it from another program; else makes one.
    static std::optional<File> find_or_make() noexcept;
  };

  /// Numbers the zone, once, before any process uses it and before the forks: the page stands at one place in all of them.
  /// The first one serves at once. A zone that never joins has no others beside it.
  void join(const File& file) noexcept;

  bool serves() const noexcept { return page_ == nullptr || page_->serving.load(std::memory_order_acquire) == number_; }

  /// The calling process, which does not answer yet, uses the zone until it ends. May wait a moment for another that enters.
  void enter() noexcept;

  /// Looks whether the zone may serve again: when no process of another has lived for `grace`, in which what those had sent to
  /// the store was done. Before it does, `empty` ends all that it has.
  template <class Empty>
  void look(Monotonic now, Milliseconds grace, Empty empty) noexcept {
    if (serves() || !lock_page(false)) return;
    if (is_due(now, grace)) {
      empty();
      page_->serving.store(number_, std::memory_order_release);
    }
    unlock_page();
  }

 private:
  static constexpr std::uint64_t kNone = 0;

  bool is_due(Monotonic now, Milliseconds grace) noexcept;
  bool others_ended() const noexcept;
  bool lock_page(bool wait) const noexcept;
  void unlock_page() const noexcept;

  Page* page_;
  std::uint64_t number_;
  int descriptor_;
};

}  // namespace nacre::cache
