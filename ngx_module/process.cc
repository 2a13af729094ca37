#include "process.h"

#include "conf.h"
#include "zone.h"

namespace nacre::nginx {

std::unique_ptr<Process> Process::instance_;

namespace {

/// nginx's log writes a line with one system call, from any thread.
void log_line(std::string_view line) {
  const ngx_str_t text = to_ngx_str(line);
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "nacre: %V", &text);
}

}  // namespace

Process::Process(ngx_cycle_t& cycle) : reactor_(cycle, *main_conf(&cycle)->threads), zone_(zone_of(*main_conf(&cycle)->zone)) {
  const MainConf& conf = *main_conf(&cycle);
  worker_ = std::make_unique<Worker>(conf.config, *conf.router, Worker::Surroundings{reactor_, zone_, log_line, NGINX_VER});
}

/// Fibers that wait for a thread find it done, the others are cancelled; then nothing of Nacre runs any more.
Process::~Process() {
  worker_->cancel_all();
  reactor_.drain();
  worker_.reset();
}

ngx_int_t Process::start(ngx_cycle_t* cycle) noexcept try {
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return NGX_OK;
  const MainConf* const conf = main_conf(cycle);
  if (conf == nullptr || !conf->used) return NGX_OK;
  instance_ = std::make_unique<Process>(*cycle);
  return NGX_OK;
} catch (const std::exception& error) {
  ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "nacre: the worker can't start: %s", error.what());
  return NGX_ERROR;
}

void Process::stop(ngx_cycle_t*) noexcept { instance_.reset(); }

}  // namespace nacre::nginx
