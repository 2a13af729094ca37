#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/log.h"
#include "fiber/reactor.h"

namespace nacre {

/// Lines for operators from any thread, to a writer that serves the loop's thread alone, such as nginx's to `syslog:` and
/// `memory:`. What the loop says is written at once, what other threads say in the loop's next turn, in their order. Of these
/// at most `limit` wait, and the number of those that were left out is told.
class LoopLog {
 public:
  static constexpr std::size_t kLimit = 1'000;

  /// On the loop's thread. Throws std::system_error without a descriptor, std::runtime_error when the loop can watch no more.
  LoopLog(Reactor& reactor, Log::Write write, std::size_t limit = kLimit);
  /// On the loop's thread, when no other one says anything more: writes what waits.
  ~LoopLog();
  LoopLog(const LoopLog&) = delete;
  LoopLog& operator=(const LoopLog&) = delete;

  /// From any thread.
  void say(LogLevel level, std::string_view line) noexcept;

 private:
  struct Line {
    LogLevel level;
    std::string text;
  };

  void write_waiting();

  const std::thread::id loop_ = std::this_thread::get_id();
  const Log::Write write_;
  const std::size_t limit_;
  int wake_fd_;
  std::unique_ptr<Watch> watch_;

  std::mutex mutex_;  // guards what follows
  std::vector<Line> waiting_;
  std::size_t left_out_ = 0;
};

}  // namespace nacre
