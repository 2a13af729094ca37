#include "reactor.h"

#include <algorithm>

#include "base/thrown.h"

namespace nacre::nginx {

namespace {

/// What the loop calls of libcore; an exception ends this one call, not the worker.
template <class Call>
void guarded(const Call& call) noexcept {
  try {
    call();
  } catch (...) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "nacre: the event loop: %s", what_was_thrown());
  }
}

void forget_posted(ngx_event_t* event) noexcept {
  if (event->posted) {  // the braces matter: the macro is several statements
    ngx_delete_posted_event(event);
  }
}

}  // namespace

/// One job in nginx's thread pool.
struct NginxReactor::ThreadTask {
  ThreadTask(NginxReactor& r, ThreadJob& j) : reactor(r), job(j) {
    task.ctx = this;
    task.handler = [](void* self, ngx_log_t*) { static_cast<ThreadTask*>(self)->job.run(); };
    task.event.data = this;
    task.event.handler = [](ngx_event_t* event) { static_cast<ThreadTask*>(event->data)->finish(); };
  }

  void finish() noexcept {
    const std::unique_ptr<ThreadTask> self(this);
    reactor.running_.erase(this);
    job.done();
  }

  ngx_thread_task_t task{};
  NginxReactor& reactor;
  ThreadJob& job;
};

class NginxReactor::EventTimer final : public Timer {
 public:
  EventTimer(std::function<void()> on_expiry, bool keeps_worker)
      : on_expiry_(std::move(on_expiry)),
        event_([](ngx_event_t* event) { guarded(static_cast<EventTimer*>(static_cast<Event*>(event)->owner)->on_expiry_); },
               this) {
    event_.cancelable = !keeps_worker;
  }
  ~EventTimer() override { disarm(); }
  EventTimer(const EventTimer&) = delete;
  EventTimer& operator=(const EventTimer&) = delete;

  void arm(Monotonic at) override {
    const std::int64_t left = static_cast<std::int64_t>(at) - static_cast<std::int64_t>(ngx_current_msec);
    disarm();  // else nginx keeps a moment that is less than 300 ms off
    ngx_add_timer(&event_, static_cast<ngx_msec_t>(std::max<std::int64_t>(left, 0)));
  }
  void disarm() noexcept override {
    if (event_.timer_set) ngx_del_timer(&event_);
  }
  void keep_worker(bool keeps) noexcept override { event_.cancelable = !keeps; }

 private:
  std::function<void()> on_expiry_;
  Event event_;
};

/// nginx watches connections, so a descriptor borrows one of the worker's.
class NginxReactor::ConnectionWatch final : public Watch {
 public:
  ConnectionWatch(ngx_connection_t* connection, std::function<void(bool, bool)> on_ready)
      : connection_(connection), on_ready_(std::move(on_ready)) {
    connection_->data = this;
    connection_->log = ngx_cycle->log;
    connection_->read->log = connection_->write->log = ngx_cycle->log;
    connection_->read->handler = connection_->write->handler = [](ngx_event_t* event) {
      auto* self = static_cast<ConnectionWatch*>(static_cast<ngx_connection_t*>(event->data)->data);
      const auto on_ready = self->on_ready_;  // it may stop watching
      guarded([&] { on_ready(!event->write, event->write); });
    };
  }
  ~ConnectionWatch() override {
    want(false, false);
    ngx_free_connection(connection_);
    connection_->fd = static_cast<ngx_socket_t>(-1);
  }
  ConnectionWatch(const ConnectionWatch&) = delete;
  ConnectionWatch& operator=(const ConnectionWatch&) = delete;

  void want(bool readable, bool writable) override {
    set(*connection_->read, NGX_READ_EVENT, readable);
    set(*connection_->write, NGX_WRITE_EVENT, writable);
  }

 private:
  static void set(ngx_event_t& event, ngx_int_t kind, bool wanted) {
    if (wanted && !event.active) ngx_add_event(&event, kind, NGX_LEVEL_EVENT);
    if (!wanted && event.active) ngx_del_event(&event, kind, 0);
    if (!wanted) forget_posted(&event);  // while nginx holds accept_mutex, events are not handled but posted
  }

  ngx_connection_t* connection_;
  std::function<void(bool, bool)> on_ready_;
};

NginxReactor::Event::Event(ngx_event_handler_pt on_event, void* o) : ngx_event_t{}, owner(o) {
  connection.fd = static_cast<ngx_socket_t>(-1);
  data = &connection;
  log = ngx_cycle->log;
  handler = on_event;
}

NginxReactor::NginxReactor(ngx_cycle_t& cycle, ngx_thread_pool_t& pool)
    : cycle_(cycle),
      pool_(pool),
      now_([](ngx_event_t* event) { static_cast<NginxReactor*>(static_cast<Event*>(event)->owner)->run_now(); }, this),
      next_([](ngx_event_t* event) { static_cast<NginxReactor*>(static_cast<Event*>(event)->owner)->run_next(); }, this) {}

NginxReactor::~NginxReactor() {
  for (Event* event : {&now_, &next_}) forget_posted(event);
}

Timestamp NginxReactor::wall() const noexcept {
  const ngx_time_t* const now = ngx_timeofday();
  return Timestamp{Seconds{now->sec} + Milliseconds{now->msec}};
}

void NginxReactor::post(Task& task) {
  turns_.post(task);
  watch_turns();
}

void NginxReactor::post_last(Task& task) {
  turns_.post_last(task);
  watch_turns();
}

void NginxReactor::post_next_turn(Task& task) {
  turns_.post_next_turn(task);
  watch_turns();
}

/// nginx works posted events off until there are none, those that they post included.
void NginxReactor::watch_turns() noexcept {
  ngx_event_t* const now = &now_;
  ngx_event_t* const next = &next_;
  if (turns_.has_now()) {  // the braces matter: the macro is several statements
    ngx_post_event(now, &ngx_posted_events);
  }
  if (turns_.has_next()) {
    ngx_post_event(next, &ngx_posted_next_events);
  }
}

void NginxReactor::run_now() noexcept {
  turns_.run_now([](const Task& task) { guarded(task.run); });
  watch_turns();
}

void NginxReactor::run_next() noexcept {
  turns_.run_next([](const Task& task) { guarded(task.run); });
}

std::unique_ptr<Timer> NginxReactor::timer(std::function<void()> on_expiry) {
  return std::make_unique<EventTimer>(std::move(on_expiry), true);
}

std::unique_ptr<Timer> NginxReactor::background_timer(std::function<void()> on_expiry) {
  return std::make_unique<EventTimer>(std::move(on_expiry), false);
}

std::unique_ptr<Watch> NginxReactor::watch(int fd, std::function<void(bool, bool)> on_ready) {
  ngx_connection_t* const connection = ngx_get_connection(fd, cycle_.log);
  if (connection == nullptr) return nullptr;
  return std::make_unique<ConnectionWatch>(connection, std::move(on_ready));
}

bool NginxReactor::run_on_thread(ThreadJob& job) {
  if (stopping_) return false;
  auto task = std::make_unique<ThreadTask>(*this, job);
  if (ngx_thread_task_post(&pool_, &task->task) != NGX_OK) return false;
  running_.insert(task.release());
  return true;
}

void NginxReactor::drain() {
  stopping_ = true;
  while (!running_.empty() || !turns_.empty()) {
    while (!running_.empty()) (*running_.begin())->finish();
    run_next();
    run_now();
  }
}

}  // namespace nacre::nginx
