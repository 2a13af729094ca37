#include "process.h"

#include <malloc.h>

#include "base/thrown.h"
#include "conf.h"
#include "zone.h"

namespace nacre::nginx {

std::unique_ptr<Process> Process::instance_;

namespace {

/// On the loop: nginx's writers to `syslog:` and `memory:` keep their state for one thread.
void log_line(std::string_view line) {
  const ngx_str_t text = to_ngx_str(line);
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "nacre: %V", &text);
}

/// What stub_status shows.
std::vector<std::pair<std::string_view, std::uint64_t>> connections() {
#if (NGX_STAT_STUB)
  return {{"active", *ngx_stat_active},
          {"reading", *ngx_stat_reading},
          {"writing", *ngx_stat_writing},
          {"waiting", *ngx_stat_waiting}};
#else
  return {};
#endif
}

/// glibc raises its threshold to the largest block that was ever given back, and then keeps what such blocks leave behind in
/// the heap. Fixed, each large text is a mapping of its own and gone with it. Nothing that a hit in the zone copies is so
/// large.
void give_large_texts_back() {
#ifdef __GLIBC__
  constexpr int kLarge = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  ::mallopt(M_TRIM_THRESHOLD, 2 * kLarge);
#endif
}

}  // namespace

Process::Process(ngx_cycle_t& cycle)
    : reactor_(cycle, *main_conf(&cycle)->threads), log_(reactor_, log_line), zone_(*main_conf(&cycle)->cache) {
  const MainConf& conf = *main_conf(&cycle);
  const auto* const core = reinterpret_cast<ngx_core_conf_t*>(ngx_get_conf(cycle.conf_ctx, ngx_core_module));
  worker_ = std::make_unique<Worker>(*conf.application,
                                     Worker::Surroundings{.reactor = reactor_,
                                                          .zone = zone_,
                                                          .number = static_cast<std::uint32_t>(ngx_worker),
                                                          .workers = static_cast<std::uint32_t>(core->worker_processes),
                                                          .log = [this](std::string_view line) { log_.say(line); },
                                                          .nginx = NGINX_VERSION,
                                                          .connections = connections});
}

/// Fibers that wait for a thread find it done, the others are cancelled; then nothing of Nacre runs any more, and what threads
/// said last is logged.
Process::~Process() {
  worker_->cancel_all();
  reactor_.drain();
  worker_.reset();
}

ngx_int_t Process::start(ngx_cycle_t* cycle) noexcept try {
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return NGX_OK;
  const MainConf* const conf = main_conf(cycle);
  if (conf == nullptr || !conf->used) return NGX_OK;
  give_large_texts_back();
  instance_ = std::make_unique<Process>(*cycle);
  return NGX_OK;
} catch (...) {
  ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "nacre: the worker can't start: %s", what_was_thrown());
  return NGX_ERROR;
}

void Process::stop(ngx_cycle_t*) noexcept { instance_.reset(); }

}  // namespace nacre::nginx
