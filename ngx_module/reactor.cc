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
struct NginxReactor::Task {
  Task(NginxReactor& r, ThreadJob& j) : reactor(r), job(j) {
    task.ctx = this;
    task.handler = [](void* self, ngx_log_t*) { static_cast<Task*>(self)->job.run(); };
    task.event.data = this;
    task.event.handler = [](ngx_event_t* event) { static_cast<Task*>(event->data)->finish(); };
  }

  void finish() noexcept {
    const std::unique_ptr<Task> self(this);
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
      posted_{Event(run_posted, &posted_), {}, false},
      next_turn_{Event(run_posted, &next_turn_), {}, false} {}

NginxReactor::~NginxReactor() {
  for (Event* event : {&posted_.event, &next_turn_.event}) forget_posted(event);
}

Timestamp NginxReactor::wall() const noexcept {
  const ngx_time_t* const now = ngx_timeofday();
  return Timestamp{Seconds{now->sec} + Milliseconds{now->msec}};
}

/// nginx works posted events off until there are none, those that they post included.
void NginxReactor::post(std::function<void()> task) {
  if (posted_.running) return post_next_turn(std::move(task));
  post_to(posted_, std::move(task), ngx_posted_events);
}

void NginxReactor::post_to(Posted& posted, std::function<void()> task, ngx_queue_t& queue) {
  posted.tasks.push_back(std::move(task));
  ngx_event_t* const event = &posted.event;
  ngx_post_event(event, &queue);
}

void NginxReactor::run_posted(ngx_event_t* event) noexcept {
  run_tasks(*static_cast<Posted*>(static_cast<Event*>(event)->owner));
}

void NginxReactor::run_tasks(Posted& posted) noexcept {
  std::vector<std::function<void()>> tasks;
  tasks.swap(posted.tasks);
  posted.running = true;
  for (auto& task : tasks) guarded(task);
  posted.running = false;
  if (posted.tasks.empty()) {  // keep the memory
    tasks.clear();
    posted.tasks.swap(tasks);
  }
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
  auto task = std::make_unique<Task>(*this, job);
  if (ngx_thread_task_post(&pool_, &task->task) != NGX_OK) return false;
  running_.insert(task.release());
  return true;
}

void NginxReactor::drain() {
  stopping_ = true;
  while (!running_.empty() || !posted_.tasks.empty() || !next_turn_.tasks.empty()) {
    while (!running_.empty()) (*running_.begin())->finish();
    run_tasks(posted_);
    run_tasks(next_turn_);
  }
}

}  // namespace nacre::nginx
