#pragma once

#include <functional>
#include <memory>
#include <unordered_set>

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
  void post(Task& task) override;
  void post_last(Task& task) override;
  void post_next_turn(Task& task) override;
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
  struct ThreadTask;
  class EventTimer;
  class ConnectionWatch;

  void watch_turns() noexcept;
  void run_now() noexcept;
  void run_next() noexcept;

  ngx_cycle_t& cycle_;
  ngx_thread_pool_t& pool_;
  Turns turns_;
  Event now_;   ///< posted while there is something to run in this turn
  Event next_;  ///< in the next one
  std::unordered_set<ThreadTask*> running_;
  bool stopping_ = false;
};

}  // namespace nacre::nginx
