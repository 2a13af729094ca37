#include "fiber/poll_reactor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace nacre {

struct PollReactor::PollTimer final : Timer {
  PollTimer(PollReactor& r, std::function<void()> f) : reactor(r), on_expiry(std::move(f)) { reactor.timers_.push_back(this); }
  ~PollTimer() override { reactor.timers_.remove(this); }
  void arm(Monotonic moment) override { at = moment; }
  void disarm() noexcept override { at.reset(); }

  PollReactor& reactor;
  std::function<void()> on_expiry;
  std::optional<Monotonic> at;
};

struct PollReactor::PollWatch final : Watch {
  PollWatch(PollReactor& r, int f, std::function<void(bool, bool)> callback)
      : reactor(r), fd(f), on_ready(std::move(callback)) {
    reactor.watches_.push_back(this);
  }
  ~PollWatch() override { reactor.watches_.remove(this); }
  void want(bool readable, bool writable) override {
    events = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  }

  PollReactor& reactor;
  int fd;
  short events = 0;
  std::function<void(bool, bool)> on_ready;
};

PollReactor::PollReactor(unsigned threads) : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

PollReactor::~PollReactor() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_waits_.notify_all();
  for (auto& thread : threads_) thread.join();
  ::close(wake_fd_);
}

Timestamp PollReactor::wall() const noexcept { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

std::unique_ptr<Timer> PollReactor::timer(std::function<void()> on_expiry) {
  return std::make_unique<PollTimer>(*this, std::move(on_expiry));
}

std::unique_ptr<Watch> PollReactor::watch(int fd, std::function<void(bool, bool)> on_ready) {
  return std::make_unique<PollWatch>(*this, fd, std::move(on_ready));
}

bool PollReactor::run_on_thread(ThreadJob& job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(&job);
  }
  work_waits_.notify_one();
  return true;
}

void PollReactor::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_waits_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    ThreadJob* const job = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    job->run();
    lock.lock();
    const bool first = finished_.empty();
    finished_.push_back(job);
    if (first) ::eventfd_write(wake_fd_, 1);
  }
}

void PollReactor::run_until(const std::function<bool()>& finished) {
  while (!finished()) {
    run_tasks();
    if (finished()) return;
    wait_for_events();
    fire_timers();
    finish_jobs();
  }
}

void PollReactor::run_tasks() {
  const auto call = [](const Task& task) { task.run(); };
  turns_.run_next(call);
  turns_.run_now(call);
}

void PollReactor::wait_for_events() {
  std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
  for (const PollWatch* watch : watches_) fds.push_back({watch->fd, watch->events, 0});
  int timeout = turns_.empty() ? -1 : 0;
  for (const PollTimer* timer : timers_) {
    if (!timer->at) continue;
    const auto left = static_cast<int>(std::clamp<std::int64_t>((*timer->at - monotonic_now()).count(), 0, 60'000));
    timeout = timeout < 0 ? left : std::min(timeout, left);
  }
  ::poll(fds.data(), fds.size(), timeout);
  now_ = monotonic_now();
  for (std::size_t i = 1; i < fds.size(); ++i) {
    if (fds[i].revents == 0) continue;
    const auto watch = std::find_if(watches_.begin(), watches_.end(), [&](const PollWatch* w) { return w->fd == fds[i].fd; });
    if (watch != watches_.end()) {
      const auto on_ready = (*watch)->on_ready;  // it may stop watching
      on_ready((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0, (fds[i].revents & (POLLOUT | POLLERR)) != 0);
    }
  }
}

void PollReactor::fire_timers() {
  for (;;) {
    const auto due =
        std::find_if(timers_.begin(), timers_.end(), [this](const PollTimer* t) { return t->at && *t->at <= now_; });
    if (due == timers_.end()) return;
    (*due)->at.reset();
    (*due)->on_expiry();
  }
}

void PollReactor::finish_jobs() {
  std::deque<ThreadJob*> finished;
  {
    const std::lock_guard lock(mutex_);
    std::swap(finished, finished_);
    eventfd_t count = 0;
    ::eventfd_read(wake_fd_, &count);
  }
  for (ThreadJob* job : finished) job->done();
}

}  // namespace nacre
