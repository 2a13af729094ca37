#include "fiber/loop_log.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace nacre {

LoopLog::LoopLog(Reactor& reactor, Log::Write write, std::size_t limit)
    : write_(std::move(write)), limit_(limit), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  watch_ = reactor.watch(wake_fd_, [this](bool, bool) { write_waiting(); });
  if (!watch_) {
    ::close(wake_fd_);
    throw std::runtime_error("the event loop can't watch one more descriptor");
  }
  watch_->want(true, false);
}

LoopLog::~LoopLog() {
  watch_.reset();
  write_waiting();
  ::close(wake_fd_);
}

void LoopLog::say(LogLevel level, std::string_view line) noexcept try {
  if (std::this_thread::get_id() == loop_) return write_(level, line);
  const std::lock_guard lock(mutex_);
  const bool first = waiting_.empty();
  if (first) ::eventfd_write(wake_fd_, 1);
  ++left_out_;
  if (waiting_.size() >= limit_) return;
  waiting_.push_back({level, std::string(line)});
  --left_out_;
} catch (...) {
  // No memory for a line.
}

void LoopLog::write_waiting() {
  eventfd_t written = 0;
  ::eventfd_read(wake_fd_, &written);
  std::vector<Line> lines;
  std::size_t left_out = 0;
  {
    const std::lock_guard lock(mutex_);
    lines.swap(waiting_);
    left_out = std::exchange(left_out_, 0);
  }
  for (const Line& line : lines) write_(line.level, line.text);
  if (left_out > 0) write_(LogLevel::warn, std::to_string(left_out) + " more lines of threads were left out");
}

}  // namespace nacre
