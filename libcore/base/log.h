#pragma once

#include <atomic>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/outages.h"

namespace nacre {

/// As nginx names them.
enum class LogLevel : std::uint8_t { error, warn, notice };

/// Lines for operators, from any thread. Copies write to the same place.
class Log {
 public:
  using Write = std::function<void(LogLevel level, std::string_view line)>;

  Log() = default;  ///< to nobody
  /// `outages`: of the host.
  Log(Write write, Outages& outages) : write_(std::move(write)), outages_(std::shared_ptr<void>(), &outages) {}
  /// For who is alone on its host.
  template <std::invocable<LogLevel, std::string_view> Function>
  Log(Function write) : write_(std::move(write)), outages_(std::make_shared<Outages>()) {  // NOLINT(*-explicit-*)
    outages_->init();
  }

  void say(LogLevel level, std::string_view line) const {
    if (write_) write_(level, line);
  }
  void error(std::string_view line) const { say(LogLevel::error, line); }
  void warn(std::string_view line) const { say(LogLevel::warn, line); }
  void notice(std::string_view line) const { say(LogLevel::notice, line); }

  /// As of Outages: whether that is for this worker to tell.
  bool begins(std::string_view what, std::string_view why, bool first) const {
    return outages_ && outages_->begin(what, why, first, monotonic_now());
  }
  bool ends(std::string_view what) const { return outages_ && outages_->end(what); }

 private:
  Write write_;
  std::shared_ptr<Outages> outages_;
};

/// Tells operators that something fails, for up to three reasons, and that this is over: of all workers of a host, the first to
/// see it. From any thread.
class Outage {
 public:
  /// The lines. Without `end` nobody sees it: what was not met for a while is told anew.
  Outage(Log log, std::string begin, std::string end = {})
      : log_(std::move(log)), begin_(std::move(begin)), end_(std::move(end)) {}

  void lost(std::string_view why) {
    const bool first = state_.exchange(State::fails) != State::fails || end_.empty();
    if (log_.begins(begin_, why, first)) log_.error(std::string(begin_).append(": ").append(why));
  }
  void back() {
    if (state_.load(std::memory_order_relaxed) == State::works || state_.exchange(State::works) == State::works) return;
    if (log_.ends(begin_)) log_.notice(end_);
  }

 private:
  enum class State : std::uint8_t {
    unknown,  // a worker before this one may have told that it fails
    works,
    fails,
  };

  const Log log_;
  const std::string begin_;
  const std::string end_;
  std::atomic<State> state_ = State::unknown;
};

}  // namespace nacre
