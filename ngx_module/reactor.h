#pragma once

#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "fiber/reactor.h"
#include "ngx.hpp"

namespace nacre::nginx {

/// The reactor over nginx's events, timers, posted events and thread pool. One per worker process. An armed timer keeps a
/// worker that exits gracefully alive, so that no request is cut off.
class NginxReactor final : public Reactor {
 public:
  NginxReactor(ngx_cycle_t& cycle, ngx_thread_pool_t& pool);
  ~NginxReactor() override;

  Monotonic now() const noexcept override { return Monotonic{static_cast<std::int64_t>(ngx_current_msec)}; }
  Timestamp wall() const noexcept override;
  void post(std::function<void()> task) override;
  void post_next_turn(std::function<void()> task) override { post_to(next_turn_, std::move(task), ngx_posted_next_events); }
  std::unique_ptr<Timer> timer(std::function<void()> on_expiry) override;
  std::unique_ptr<Timer> background_timer(std::function<void()> on_expiry) override;
  std::unique_ptr<Watch> watch(int fd, std::function<void(bool, bool)> on_ready) override;
  bool run_on_thread(ThreadJob& job) override;

  /// At the worker's end, when nginx has stopped its threads and will turn its loop no more: gives back the jobs that were
  /// under way, takes no new ones, and runs what is posted until nothing is.
  void drain();

  /// An nginx event that belongs to no connection.
  struct Event : ngx_event_t {
    Event(ngx_event_handler_pt on_event, void* owner);
    ngx_connection_t connection{};  ///< nginx's debug log looks for a descriptor here
    void* owner;
  };

 private:
  struct Posted {
    Event event;
    std::vector<std::function<void()>> tasks;
    bool running = false;
  };
  struct Task;
  class EventTimer;
  class ConnectionWatch;

  void post_to(Posted& posted, std::function<void()> task, ngx_queue_t& queue);
  static void run_posted(ngx_event_t* event) noexcept;
  static void run_tasks(Posted& posted) noexcept;

  ngx_cycle_t& cycle_;
  ngx_thread_pool_t& pool_;
  Posted posted_;
  Posted next_turn_;
  std::unordered_set<Task*> running_;
  bool stopping_ = false;
};

}  // namespace nacre::nginx
