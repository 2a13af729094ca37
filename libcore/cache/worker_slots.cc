#include "cache/worker_slots.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string_view>

namespace nacre::cache {

namespace {

constexpr unsigned kPidBits = 22;  // Linux: at most 2^22 (PID_MAX_LIMIT)

/// When a process started, in clock ticks since boot, so that an id that was given anew is told apart (proc(5), stat field 22).
/// 0 when it is dead or a zombie, 1 when it can't be told.
std::uint64_t started(std::uint32_t pid) noexcept {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%u/stat", pid);
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH ? 0 : 1;
  std::array<char, 1024> buffer{};
  const ssize_t size = ::read(file, buffer.data(), buffer.size());
  ::close(file);
  if (size <= 0) return 0;

  std::string_view rest(buffer.data(), static_cast<std::size_t>(size));
  const std::size_t name_end = rest.rfind(')');  // the name in field 2 may hold anything
  if (name_end == std::string_view::npos || name_end + 2 >= rest.size()) return 1;
  rest.remove_prefix(name_end + 2);
  if (rest.front() == 'Z' || rest.front() == 'X') return 0;
  for (int field = 3; field < 22; ++field) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return 1;
    rest.remove_prefix(space + 1);
  }
  std::uint64_t ticks = 1;
  std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
  return ticks;
}

std::uint64_t self() noexcept {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  return started(pid) << kPidBits | pid;
}

}  // namespace

bool WorkerSlots::runs(std::uint64_t process) noexcept {
  const std::uint64_t now = started(process & ((1U << kPidBits) - 1));
  const std::uint64_t then = process >> kPidBits;
  return now != 0 && (now == then || now == 1 || then == 1);
}

std::optional<std::size_t> WorkerSlots::enter() noexcept {
  const std::uint64_t process = self();
  for (std::size_t place = 0; place < slots_.size(); ++place) {
    Slot& slot = slots_[place];
    std::uint64_t free = 0;
    if (slot.process.load(std::memory_order_relaxed) != 0 || !slot.process.compare_exchange_strong(free, process)) continue;
    tell(place, 0);
    return place;
  }
  return std::nullopt;
}

void WorkerSlots::leave() noexcept {
  const std::uint64_t process = self();
  for (Slot& slot : slots_) {
    std::uint64_t holder = process;
    if (slot.process.load(std::memory_order_relaxed) == process && slot.process.compare_exchange_strong(holder, 0)) return;
  }
}

}  // namespace nacre::cache
