#include "fiber/fiber.h"

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <cassert>
#include <chrono>
#include <exception>

#include "fiber/sanitizer.h"
#include "fiber/stack.h"

namespace nacre::fiber {

namespace {

constexpr std::chrono::milliseconds kLongTurn{5};

[[gnu::tls_model("initial-exec")]] thread_local Fiber* current = nullptr;  // looked at several times in each request

/// Boost.Context frees a stack through its allocator; ours belong to the Fiber.
struct KeepStack {
  boost::context::stack_context allocate() { std::terminate(); }
  void deallocate(boost::context::stack_context&) noexcept {}
};

}  // namespace

/// A fiber is: idle (spare) → running ⇄ waiting (in an Event's list) → ready (in the Scheduler's queue) → running → idle.
class Fiber {
 public:
  /// Why a wait ended.
  enum class Wake : std::uint8_t { none, set, deadline, cancelled };

  Fiber(Scheduler& scheduler, Stack stack);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs `body` until it ends or waits; true when it has ended.
  bool start(Monotonic deadline, std::function<void()>&& body);
  Result<void> wait(Event& event);
  void cancel();
  void wake(Wake reason) noexcept { wake_ = reason; }
  /// After a wait.
  void go_on();

  Scheduler& scheduler_;
  Monotonic deadline_{};
  bool cancelled_ = false;
  Fiber* next_ = nullptr;  // in an Event's list or the ready queue
  Fiber* previous_ = nullptr;
  Event* event_ = nullptr;  // the one that it waits for
  bool ready_ = false;
  Fiber* newer_ = nullptr;  // in the Scheduler's list of all
  Fiber* older_ = nullptr;

 private:
  boost::context::fiber run_bodies(boost::context::fiber&& caller);
  bool resume();
  void retire();
  void suspend();
  void on_timer();
  void arm_timer();

  Stack stack_;
  SanitizedStack sanitized_;
  std::function<void()> body_;
  boost::context::fiber inside_;  // while suspended or idle: where to go on
  boost::context::fiber caller_;  // while running: where to go back
  std::unique_ptr<Timer> timer_;
  std::optional<Monotonic> armed_at_;
  Wake wake_ = Wake::none;
  bool ended_ = true;
};

Fiber::Fiber(Scheduler& scheduler, Stack stack)
    : scheduler_(scheduler),
      stack_(std::move(stack)),
      inside_(std::allocator_arg, boost::context::preallocated(stack_.top(), stack_.size(), stack_.context()), KeepStack{},
              [this](boost::context::fiber&& caller) { return run_bodies(std::move(caller)); }) {}

/// An idle fiber leaves its loop.
Fiber::~Fiber() {
  body_ = nullptr;
  sanitized_.entering(stack_);
  inside_ = std::move(inside_).resume();
  sanitized_.left();
}

bool Fiber::start(Monotonic deadline, std::function<void()>&& body) {
  deadline_ = deadline;
  cancelled_ = false;
  ended_ = false;
  body_ = std::move(body);
  if (timer_) timer_->keep_worker(true);
  if (!resume()) return false;
  retire();
  return true;
}

void Fiber::go_on() {
  if (resume()) retire();
}

/// All that runs on the stack: one body after another.
boost::context::fiber Fiber::run_bodies(boost::context::fiber&& caller) {
  caller_ = std::move(caller);
  sanitized_.entered();
  while (body_) {
    try {
      body_();
    } catch (...) {
      // The adapter's body is noexcept; what a test's body throws ends here.
    }
    body_ = nullptr;
    ended_ = true;
    suspend();
  }
  sanitized_.leaving_for_good();
  return std::move(caller_);
}

/// Switches to the fiber and comes back when it waits or has ended; true when it has ended.
bool Fiber::resume() {
  Fiber* const outer = current;
  current = this;
  sanitized_.entering(stack_);
  inside_ = std::move(inside_).resume();
  sanitized_.left();
  current = outer;
  return ended_;
}

/// Its timer stays armed: the next body will hardly wait for an earlier moment.
void Fiber::retire() {
  if (timer_) timer_->keep_worker(false);
  --scheduler_.running_;
  (newer_ != nullptr ? newer_->older_ : scheduler_.first_started_) = older_;
  if (older_ != nullptr) older_->newer_ = newer_;
  if (scheduler_.spare_.size() < scheduler_.options_.spare_stacks) {
    scheduler_.spare_.emplace_back(this);
  } else {
    std::unique_ptr<Fiber>(this).reset();
  }
}

void Fiber::suspend() {
  assert(std::uncaught_exceptions() == 0 && !std::current_exception() && "a fiber must not wait while it handles an exception");
  sanitized_.leaving();
  caller_ = std::move(caller_).resume();
  sanitized_.entered();
}

Result<void> Fiber::wait(Event& event) {
  if (cancelled_) return Failure(Error::cancelled);
  if (scheduler_.reactor_.now() >= deadline_) return Failure(Error::deadline);
  arm_timer();
  wake_ = Wake::none;
  event.append(*this);
  suspend();
  if (wake_ == Wake::set) return {};
  return Failure(wake_ == Wake::cancelled ? Error::cancelled : Error::deadline);
}

void Fiber::arm_timer() {
  if (armed_at_ && *armed_at_ <= deadline_) return;  // it will look again when it fires
  if (!timer_) timer_ = scheduler_.reactor_.timer([this] { on_timer(); });
  timer_->arm(deadline_);
  armed_at_ = deadline_;
}

void Fiber::on_timer() {
  armed_at_.reset();
  if (event_ == nullptr) return;  // about to go on
  if (scheduler_.reactor_.now() < deadline_) return arm_timer();
  event_->remove(*this);
  wake_ = Wake::deadline;
  go_on();
}

void Fiber::cancel() {
  assert(current != this);
  cancelled_ = true;
  if (event_ != nullptr) {
    event_->remove(*this);
    wake_ = Wake::cancelled;
  } else {
    assert(ready_);
    scheduler_.remove_ready(*this);
  }
  [[maybe_unused]] const bool ended = resume();
  assert(ended && "a cancelled fiber has nothing to wait for");
  retire();
}

Scheduler::Scheduler(Reactor& reactor) : Scheduler(reactor, Options{}) {}
Scheduler::Scheduler(Reactor& reactor, Options options) : reactor_(reactor), options_(options) {
  spare_.reserve(options_.spare_stacks);
}
Scheduler::~Scheduler() { assert(running_ == 0); }

Result<Fiber*> Scheduler::start(Monotonic deadline, std::function<void()> body) {
  std::unique_ptr<Fiber> fiber;
  if (!spare_.empty()) {
    fiber = std::move(spare_.back());
    spare_.pop_back();
  } else if (auto stack = Stack::allocate(options_.stack_size)) {
    fiber = std::make_unique<Fiber>(*this, std::move(*stack));
  } else {
    return Failure(Error::overloaded, "too many requests are in progress");
  }
  ++running_;
  Fiber* const started = fiber.release();  // it owns itself until it ends
  started->newer_ = nullptr;
  started->older_ = first_started_;
  if (first_started_ != nullptr) first_started_->newer_ = started;
  first_started_ = started;
  return started->start(deadline, std::move(body)) ? nullptr : started;
}

void Scheduler::cancel_all() {
  while (first_started_ != nullptr) first_started_->cancel();
}

void Scheduler::make_ready(Fiber& fiber) {
  fiber.ready_ = true;
  fiber.next_ = nullptr;
  fiber.previous_ = last_ready_;
  (last_ready_ != nullptr ? last_ready_->next_ : first_ready_) = &fiber;
  last_ready_ = &fiber;
  ++ready_count_;
  reactor_.post(go_on_);
}

void Scheduler::remove_ready(Fiber& fiber) noexcept {
  (fiber.previous_ != nullptr ? fiber.previous_->next_ : first_ready_) = fiber.next_;
  (fiber.next_ != nullptr ? fiber.next_->previous_ : last_ready_) = fiber.previous_;
  fiber.ready_ = false;
  --ready_count_;
}

/// Fibers that become ready meanwhile go on in the loop's next turn, since this is a posted task; so do those that are left
/// when the others took long: what they answered is sent before.
void Scheduler::run_ready() {
  const auto began = ready_count_ > 1 ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
  for (std::size_t n = ready_count_; n > 0 && first_ready_ != nullptr; --n) {
    Fiber& fiber = *first_ready_;
    remove_ready(fiber);
    fiber.go_on();
    if (n > 1 && std::chrono::steady_clock::now() - began > kLongTurn) break;
  }
  if (first_ready_ != nullptr) reactor_.post_next_turn(go_on_);
}

void Event::append(Fiber& fiber) noexcept {
  fiber.event_ = this;
  fiber.next_ = nullptr;
  fiber.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &fiber;
  last_ = &fiber;
}

void Event::remove(Fiber& fiber) noexcept {
  (fiber.previous_ != nullptr ? fiber.previous_->next_ : first_) = fiber.next_;
  (fiber.next_ != nullptr ? fiber.next_->previous_ : last_) = fiber.previous_;
  fiber.event_ = nullptr;
}

Result<void> Event::wait() {
  if (set_) return {};
  assert(current != nullptr && "only a fiber can wait");
  return current->wait(*this);
}

void Event::set() {
  set_ = true;
  while (first_ != nullptr) {
    Fiber& fiber = *first_;
    remove(fiber);
    fiber.wake(Fiber::Wake::set);
    fiber.scheduler_.make_ready(fiber);
  }
}

bool on_fiber() noexcept { return current != nullptr; }
Scheduler& scheduler() noexcept { return current->scheduler_; }
Monotonic deadline() noexcept { return current->deadline_; }
bool cancelled() noexcept { return current->cancelled_; }
void cancel(Fiber& fiber) { fiber.cancel(); }

TimeLimit::TimeLimit(Milliseconds timeout) : before_(current->deadline_) {
  current->deadline_ = std::min(before_, reactor().now() + timeout);
}
TimeLimit::~TimeLimit() { current->deadline_ = before_; }

Result<void> sleep(Milliseconds duration) {
  if (duration <= Milliseconds{0}) {
    Event turned;
    Task turn([&turned] { turned.set(); });
    reactor().post_next_turn(turn);
    return turned.wait();
  }
  const bool in_time = reactor().now() + duration < deadline();
  const TimeLimit limit(duration);
  Event never;
  auto ended = never.wait();
  if (in_time && !ended && ended.error().error == Error::deadline) return {};
  return ended;
}

}  // namespace nacre::fiber
