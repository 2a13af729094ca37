#include "process.h"

#include <malloc.h>

#include "base/thrown.h"
#include "conf.h"
#include "zone.h"

namespace nacre::nginx {

std::unique_ptr<Process> Process::instance_;

namespace {

/// On the loop: nginx's writers to `syslog:` and `memory:` keep their state for one thread.
void log_line(LogLevel level, std::string_view line) {
  const ngx_str_t text = to_ngx_str(line);
  const ngx_uint_t own = level == LogLevel::error ? NGX_LOG_ERR : level == LogLevel::warn ? NGX_LOG_WARN : NGX_LOG_NOTICE;
  ngx_log_error(own, ngx_cycle->log, 0, "nacre: %V", &text);
}

/// Neither its TLS handshake nor a request's head is over: what writes is set when the head is.
bool is_before_request(const ngx_connection_t& connection) {
#if (NGX_SSL)
  if (connection.ssl != nullptr && !connection.ssl->handshaked) return true;
#endif
  return connection.write->handler == ngx_http_empty_handler;
}

/// The states are stub_status's, whose counters never lose what a killed worker had. nginx takes free connections from the
/// front, so those in use are found early.
Worker::Connections connections_of(const ngx_cycle_t& cycle) {
  Worker::Connections found;
  ngx_uint_t used = cycle.connection_n - cycle.free_connection_n;
  for (const ngx_connection_t* c = cycle.connections; used > 0 && c != cycle.connections + cycle.connection_n; ++c) {
    if (c->fd == static_cast<ngx_socket_t>(-1)) continue;
    --used;
    if (c->listening == nullptr || c->read->accept) continue;  // to a server, or one that listens
    ++(c->reusable ? found.waiting : is_before_request(*c) ? found.reading : found.writing);
  }
  return found;
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
  worker_ = std::make_unique<Worker>(
      *conf.application, Worker::Surroundings{.reactor = reactor_,
                                              .zone = zone_,
                                              .number = static_cast<std::uint32_t>(ngx_worker),
                                              .workers = static_cast<std::uint32_t>(core->worker_processes),
                                              .log = [this](LogLevel level, std::string_view line) { log_.say(level, line); },
                                              .nginx = NGINX_VERSION,
                                              .connections = [&cycle] { return connections_of(cycle); }});
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
