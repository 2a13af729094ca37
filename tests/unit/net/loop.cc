#include "net/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

namespace nacre::net {

struct CountingReactor::CountedTimer final : Timer {
  CountedTimer(CountingReactor& r, std::function<void()> on_expiry)
      : reactor(r), inner(r.poll_.timer([this, f = std::move(on_expiry)] {
          count(false);
          f();
        })) {}
  ~CountedTimer() override { count(false); }
  void arm(Monotonic at) override {
    count(true);
    inner->arm(at);
  }
  void disarm() noexcept override {
    count(false);
    inner->disarm();
  }
  void keep_worker(bool now_keeps) noexcept override {
    const bool was_armed = armed;
    count(false);
    keeps = now_keeps;
    count(was_armed);
  }
  void count(bool now_armed) noexcept {
    if (keeps) reactor.armed_timers += static_cast<int>(now_armed) - static_cast<int>(armed);
    armed = now_armed;
  }

  CountingReactor& reactor;
  bool armed = false;
  bool keeps = true;
  std::unique_ptr<Timer> inner;
};

struct CountingReactor::CountedWatch final : Watch {
  CountedWatch(CountingReactor& r, std::unique_ptr<Watch> w) : reactor(r), inner(std::move(w)) { ++reactor.watches; }
  ~CountedWatch() override { --reactor.watches; }
  void want(bool readable, bool writable) override { inner->want(readable, writable); }

  CountingReactor& reactor;
  std::unique_ptr<Watch> inner;
};

/// An epoll descriptor of its own, edge-triggered, is what the loop polls.
struct CountingReactor::EdgeWatch final : Watch {
  EdgeWatch(PollReactor& poll, int watched, std::function<void(bool, bool)> callback)
      : fd(watched), epoll(::epoll_create1(EPOLL_CLOEXEC)), on_ready(std::move(callback)) {
    epoll_event event{.events = EPOLLET | EPOLLIN | EPOLLOUT, .data = {}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    inner = poll.watch(epoll, [this](bool, bool) { report(); });
    inner->want(true, false);
  }
  ~EdgeWatch() override {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
    ::close(epoll);
  }
  void want(bool r, bool w) override {
    readable = r;
    writable = w;
  }
  void report() {
    epoll_event event{};
    if (::epoll_wait(epoll, &event, 1, 0) != 1) return;
    const bool in = readable && (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
    const bool out = writable && (event.events & (EPOLLOUT | EPOLLERR)) != 0;
    if (in || out) on_ready(in, out);
  }

  int fd;
  int epoll;
  bool readable = false;
  bool writable = false;
  std::function<void(bool, bool)> on_ready;
  std::unique_ptr<Watch> inner;
};

std::unique_ptr<Timer> CountingReactor::timer(std::function<void()> on_expiry) {
  return std::make_unique<CountedTimer>(*this, std::move(on_expiry));
}

std::unique_ptr<Watch> CountingReactor::watch(int fd, std::function<void(bool, bool)> on_ready) {
  if (edge_triggered) return std::make_unique<CountedWatch>(*this, std::make_unique<EdgeWatch>(poll_, fd, std::move(on_ready)));
  return std::make_unique<CountedWatch>(*this, poll_.watch(fd, std::move(on_ready)));
}

fiber::Fiber* Loop::start(std::function<void()> body, Milliseconds deadline) {
  auto started = scheduler.start(reactor.now() + deadline, std::move(body));
  return started ? *started : nullptr;
}

void Loop::finish() {
  reactor.run_until([this] { return scheduler.running() == 0; });
}

void Loop::run(std::function<void()> body, Milliseconds deadline) {
  start(std::move(body), deadline);
  finish();
}

}  // namespace nacre::net
