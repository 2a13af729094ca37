#include "fiber/manual_reactor.h"

#include <poll.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace nacre {

struct ManualReactor::ManualTimer final : Timer {
  ManualTimer(ManualReactor& r, std::function<void()> f) : reactor(r), on_expiry(std::move(f)) {
    reactor.timers_.push_back(this);
  }
  ~ManualTimer() override { reactor.timers_.remove(this); }
  void arm(Monotonic moment) override { at = moment; }
  void disarm() noexcept override { at.reset(); }

  ManualReactor& reactor;
  std::function<void()> on_expiry;
  std::optional<Monotonic> at;
};

struct ManualReactor::ManualWatch final : Watch {
  ManualWatch(ManualReactor& r, int f, std::function<void(bool, bool)> callback)
      : reactor(r), fd(f), on_ready(std::move(callback)) {
    reactor.watches_.push_back(this);
  }
  ~ManualWatch() override { reactor.watches_.remove(this); }
  void want(bool readable, bool writable) override {
    events = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  }

  ManualReactor& reactor;
  int fd;
  short events = 0;
  std::function<void(bool, bool)> on_ready;
};

std::unique_ptr<Timer> ManualReactor::timer(std::function<void()> on_expiry) {
  return std::make_unique<ManualTimer>(*this, std::move(on_expiry));
}

std::unique_ptr<Watch> ManualReactor::watch(int fd, std::function<void(bool, bool)> on_ready) {
  return std::make_unique<ManualWatch>(*this, fd, std::move(on_ready));
}

bool ManualReactor::run_on_thread(ThreadJob& job) {
  if (jobs_.size() >= job_limit) return false;
  jobs_.push_back(&job);
  return true;
}

bool ManualReactor::run_job(const std::function<void()>& meanwhile) {
  if (jobs_.empty()) return false;
  ThreadJob* const job = jobs_.front();
  jobs_.pop_front();
  job->run();
  if (meanwhile) meanwhile();
  job->done();
  return true;
}

bool ManualReactor::turn() {
  const bool any = !turns_.empty();
  const auto call = [](const Task& task) { task.run(); };
  turns_.run_next(call);
  turns_.run_now(call);
  return any;
}

void ManualReactor::run() {
  while (turn() || (jobs_run_by_themselves && run_job())) {
  }
}

void ManualReactor::advance(Milliseconds by) {
  const Monotonic end = now_ + by;
  run();
  for (;;) {
    const auto next = std::min_element(timers_.begin(), timers_.end(), [](const ManualTimer* a, const ManualTimer* b) {
      return a->at.has_value() && (!b->at.has_value() || *a->at < *b->at);
    });
    if (next == timers_.end() || !(*next)->at || *(*next)->at > end) break;
    ManualTimer* const due = *next;
    wall_ += std::max(*due->at, now_) - now_;
    now_ = std::max(*due->at, now_);
    due->at.reset();
    due->on_expiry();
    run();
  }
  wall_ += end - now_;
  now_ = end;
}

void ManualReactor::ready(int fd, bool readable, bool writable) {
  const auto watches = watches_;  // a callback may stop watching
  for (ManualWatch* watch : watches) {
    const bool still_watched = std::find(watches_.begin(), watches_.end(), watch) != watches_.end();
    if (!still_watched || watch->fd != fd) continue;
    const auto on_ready = watch->on_ready;  // it may stop watching
    on_ready(readable, writable);
  }
}

bool ManualReactor::poll(Milliseconds patience) {
  std::vector<pollfd> fds;
  for (const ManualWatch* watch : watches_) fds.push_back({watch->fd, watch->events, 0});
  const bool any = ::poll(fds.data(), fds.size(), static_cast<int>(patience.count())) > 0;
  for (const pollfd& fd : fds) {
    if (fd.revents == 0) continue;
    ready(fd.fd, (fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0, (fd.revents & (POLLOUT | POLLERR)) != 0);
  }
  run();
  return any;
}

}  // namespace nacre
