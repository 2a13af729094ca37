#include "net/threads.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace nacre::net {

namespace {

constexpr std::chrono::seconds kIdle{10};

/// Threads that are started meanwhile get no signal: those are nginx's business.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

struct Threads::State {
  struct Job {
    std::function<void(std::stop_token)> work;
    std::function<void()> done;
  };
  using Thread = std::list<std::thread>::iterator;

  State(Reactor& r, std::size_t n) : reactor(r), count(n), wake_fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~State() {
    watch.reset();
    ::close(wake_fd);
  }

  void start_thread();
  void serve(Thread self);
  void come_back();

  Reactor& reactor;
  const std::size_t count;
  const int wake_fd;
  std::unique_ptr<Watch> watch;
  Task coming_back{[this] { come_back(); }};  ///< where there is no watch
  std::list<std::thread> threads;             ///< the loop's, as all above
  std::stop_source stop;

  std::mutex mutex;  // guards what follows
  std::condition_variable work_waits;
  std::deque<Job> waiting;
  std::vector<std::function<void()>> finished;
  std::vector<Thread> ended;
  std::size_t idle = 0;
  std::size_t running = 0;  ///< threads that take jobs
  bool stopping = false;
};

void Threads::State::start_thread() {
  const SignalsBlocked blocked;
  const Thread self = threads.emplace(threads.end());
  try {
    *self = std::thread([this, self] { serve(self); });
  } catch (const std::system_error&) {
    threads.erase(self);
    const std::lock_guard lock(mutex);
    if (--running > 0) return;  // another one will get to it
    for (Job& job : waiting) finished.push_back(std::move(job.done));
    waiting.clear();
    ::eventfd_write(wake_fd, 1);
  }
}

void Threads::State::serve(Thread self) {
  std::unique_lock lock(mutex);
  for (;;) {
    ++idle;
    work_waits.wait_for(lock, kIdle, [this] { return stopping || !waiting.empty(); });
    --idle;
    if (stopping || waiting.empty()) break;
    Job job = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    try {
      job.work(stop.get_token());
    } catch (...) {
      // What it was to find is not there when `done` looks.
    }
    job.work = nullptr;
    lock.lock();
    finished.push_back(std::move(job.done));
    ::eventfd_write(wake_fd, 1);
  }
  --running;
  ended.push_back(self);
  ::eventfd_write(wake_fd, 1);
}

void Threads::State::come_back() {
  eventfd_t written = 0;
  ::eventfd_read(wake_fd, &written);
  std::vector<std::function<void()>> done;
  std::vector<Thread> over;
  {
    const std::lock_guard lock(mutex);
    done.swap(finished);
    over.swap(ended);
  }
  for (const Thread thread : over) {
    thread->join();
    threads.erase(thread);
  }
  for (const auto& call : done) call();
}

Threads::Threads(Reactor& reactor, std::size_t count) : state_(std::make_unique<State>(reactor, count)) {}

Threads::~Threads() {
  State& state = *state_;
  state.stop.request_stop();
  {
    const std::lock_guard lock(state.mutex);
    state.stopping = true;
  }
  state.work_waits.notify_all();
  for (std::thread& thread : state.threads) thread.join();
}

void Threads::run(std::function<void(std::stop_token)> work, std::function<void()> done) {
  State& state = *state_;
  if (state.watch == nullptr) {
    state.watch = state.reactor.watch(state.wake_fd, [&state](bool, bool) { state.come_back(); });
    if (state.watch == nullptr) {
      const std::lock_guard lock(state.mutex);
      state.finished.push_back(std::move(done));
      return state.reactor.post(state.coming_back);
    }
    state.watch->want(true, false);
  }
  bool more = false;
  {
    const std::lock_guard lock(state.mutex);
    state.waiting.push_back({std::move(work), std::move(done)});
    more = state.waiting.size() > state.idle && state.running < state.count;
    if (more) ++state.running;
  }
  if (more) {
    state.start_thread();
  } else {
    state.work_waits.notify_one();
  }
}

}  // namespace nacre::net
