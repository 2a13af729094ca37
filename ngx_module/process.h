#pragma once

#include <memory>

#include "fiber/loop_log.h"
#include "ngx.hpp"
#include "reactor.h"
#include "worker.h"

namespace nacre::nginx {

/// Nacre in one worker process: made after the fork, gone before the process ends.
class Process {
 public:
  /// NGX_OK as well where the configuration has no Nacre.
  static ngx_int_t start(ngx_cycle_t* cycle) noexcept;
  static void stop(ngx_cycle_t* cycle) noexcept;
  static bool running() noexcept { return instance_ != nullptr; }
  static Process& get() noexcept { return *instance_; }

  explicit Process(ngx_cycle_t& cycle);
  ~Process();

  Worker& worker() noexcept { return *worker_; }

 private:
  static std::unique_ptr<Process> instance_;

  NginxReactor reactor_;
  LoopLog log_;
  cache::Zone& zone_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace nacre::nginx
