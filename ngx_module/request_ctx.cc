#include "request_ctx.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

#include "base/ascii.h"
#include "body_writer.h"
#include "header.h"
#include "http/limits.h"
#include "http/uri_path.h"
#include "process.h"

namespace nacre::nginx {

namespace {

bool append_file(std::string& out, const ngx_buf_t& buffer) {
  std::size_t left = static_cast<std::size_t>(buffer.file_last - buffer.file_pos);
  std::size_t at = out.size();
  out.resize(at + left);
  for (off_t offset = buffer.file_pos; left > 0;) {
    const ssize_t got = ::pread(buffer.file->fd, out.data() + at, left, offset);
    if (got <= 0) return false;
    at += static_cast<std::size_t>(got);
    left -= static_cast<std::size_t>(got);
    offset += got;
  }
  return true;
}

/// A condition or a part of what the client's own URI names (RFC 9110 §13, §14).
bool is_about_the_target(std::string_view name) noexcept {
  return equals_ignoring_case(name.substr(0, 3), "If-") || equals_ignoring_case(name, "Range");
}

/// Whether any of what `http::Preconditions` reads came with the client's request.
bool is_conditional(const ngx_http_headers_in_t& headers) noexcept {
  return headers.if_match != nullptr || headers.if_none_match != nullptr || headers.if_modified_since != nullptr ||
         headers.if_unmodified_since != nullptr;
}

/// What a subrequest does not have of the client's headers.
bool is_hidden(const ngx_http_request_t& r, std::string_view name) noexcept {
  return (!r.background && is_about_the_target(name)) || equals_ignoring_case(name, "Idempotency-Key");
}

}  // namespace

http::Method method_of(const ngx_http_request_t& r) noexcept {
  switch (r.method) {
    case NGX_HTTP_GET:
      return http::Method::get;
    case NGX_HTTP_HEAD:
      return http::Method::head;
    case NGX_HTTP_POST:
      return http::Method::post;
    case NGX_HTTP_PUT:
      return http::Method::put;
    case NGX_HTTP_PATCH:
      return http::Method::patch;
    case NGX_HTTP_DELETE:
      return http::Method::del;
    case NGX_HTTP_OPTIONS:
      return http::Method::options;
    default:
      return http::Method::other;
  }
}

RequestCtx* RequestCtx::find(ngx_http_request_t* r) noexcept {
  auto* ctx = static_cast<RequestCtx*>(ngx_http_get_module_ctx(r, ngx_http_nacre_module));
  if (ctx != nullptr || !(r->internal || r->filter_finalize)) return ctx;
  // An internal redirect has wiped the request's contexts.
  const MainInfo* const info = MainInfo::find(r);
  RequestCtx* latest = info != nullptr ? info->contexts : nullptr;
  while (latest != nullptr && latest->r_ != r) latest = latest->older_;
  if (latest != nullptr) ngx_http_set_ctx(r, latest, ngx_http_nacre_module);
  return latest;
}

RequestCtx* RequestCtx::of(ngx_http_request_t* r) noexcept {
  RequestCtx* const ctx = find(r);
  return ctx != nullptr ? ctx : make(r);
}

RequestCtx* RequestCtx::fresh(ngx_http_request_t* r) noexcept {
  auto* const ctx = static_cast<RequestCtx*>(ngx_http_get_module_ctx(r, ngx_http_nacre_module));
  return ctx != nullptr && ctx->state_ == State::fresh ? ctx : make(r);
}

RequestCtx* RequestCtx::make(ngx_http_request_t* r) noexcept {
  MainInfo* const info = MainInfo::of(r);
  void* const memory = ngx_palloc(r->pool, sizeof(RequestCtx));
  if (info == nullptr || memory == nullptr) return nullptr;
  auto* const ctx = new (memory) RequestCtx(r, *info);
  ngx_http_set_ctx(r, ctx, ngx_http_nacre_module);
  return ctx;
}

void RequestCtx::destroy(RequestCtx* newest) noexcept {
  while (newest != nullptr) {
    RequestCtx* const older = newest->older_;
    newest->~RequestCtx();
    newest = older;
  }
}

RequestCtx::~RequestCtx() {
  if (response_ && Process::running()) Process::get().worker().take_back(std::move(response_->body));
}

std::optional<std::string_view> RequestHeaders::find(std::string_view name) const noexcept {
  if (&r_ != r_.main && is_hidden(r_, name)) return std::nullopt;
  for (const ngx_list_part_t* part = &r_.headers_in.headers.part; part != nullptr; part = part->next) {
    const auto* const lines = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (equals_ignoring_case(to_view(lines[i].key), name)) return to_view(lines[i].value);
    }
  }
  return std::nullopt;
}

void RequestHeaders::each(FunctionRef<void(std::string_view name, std::string_view value)> visit) const {
  for (const ngx_list_part_t* part = &r_.headers_in.headers.part; part != nullptr; part = part->next) {
    const auto* const lines = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      const std::string_view name = to_view(lines[i].key);
      if (&r_ == r_.main || !is_hidden(r_, name)) visit(name, to_view(lines[i].value));
    }
  }
}

inline void RequestCtx::take_path(const LocationConf& location) noexcept {
  request_.method = method_of(*r_);
  request_.path = served_path(location, to_view(r_->uri));
}

/// Links lead where the client's own URI did, unless a rewrite took a prefix from it, or led to another location.
void RequestCtx::find_mount() {
  const auto* const server = static_cast<ngx_http_core_srv_conf_t*>(ngx_http_get_module_srv_conf(r_, ngx_http_core_module));
  auto prefix = http::prefix_before(request_.path, to_view(r_->unparsed_uri), server->merge_slashes != 0);
  if (prefix) request_.mount = mount_.emplace(std::move(*prefix));
}

void RequestCtx::find_route() {
  const LocationConf& location = location_of(r_);
  if (!location.on) return;
  take_path(location);
  trace_.route = Process::get().worker().match(location.mode, request_.method, request_.path).name;
}

inline bool RequestCtx::take_request(const LocationConf& location) {
  take_path(location);
  request_.mount = location.encoded_mount;
  if (r_ == r_->main && r_->valid_unparsed_uri == 0U) find_mount();
  request_.query = to_view(r_->args);
  request_.id = info_.id();
  request_.client = to_view(r_->connection->addr_text);
#if (NGX_HTTP_SSL)
  request_.tls = r_->connection->ssl != nullptr;
#endif
  request_.conditional = is_conditional(r_->headers_in);
  request_.credential = r_->headers_in.authorization != nullptr;
  request_.headers = &headers_;
  return r_->request_body == nullptr || take_body();
}

bool RequestCtx::take_body() {
  const ngx_http_request_body_t* const body = r_->request_body;
  if (body->bufs == nullptr) return true;
  std::size_t size = 0;
  for (const ngx_chain_t* link = body->bufs; link != nullptr; link = link->next) {
    size += static_cast<std::size_t>(ngx_buf_size(link->buf));
  }
  body_too_large_ = size > http::kMaxBody;  // one that named no length
  if (body_too_large_ || !http::takes_body(request_.method)) return true;
  const ngx_buf_t* const first = body->bufs->buf;
  if (body->bufs->next == nullptr && !first->in_file) {
    request_.body = {reinterpret_cast<const char*>(first->pos), static_cast<std::size_t>(first->last - first->pos)};
    return true;
  }
  std::string& whole = body_.emplace();
  whole.reserve(size);
  for (const ngx_chain_t* link = body->bufs; link != nullptr; link = link->next) {
    const ngx_buf_t& buffer = *link->buf;
    if (buffer.in_file) {
      if (!append_file(whole, buffer)) return false;
    } else {
      whole.append(reinterpret_cast<const char*>(buffer.pos), static_cast<std::size_t>(buffer.last - buffer.pos));
    }
  }
  request_.body = whole;
  return true;
}

ngx_int_t RequestCtx::start() noexcept try {
  const LocationConf& location = location_of(r_);
  if (!take_request(location)) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  Worker& worker = Process::get().worker();
  if (body_too_large_) {
    response_ = worker.refuse(Failure(Error::too_large, "a body may have 4 MB at most"), request_);
    return NGX_OK;
  }
  // Made in their places, which were empty.
  ::new (&match_) route::Match(worker.match(location.mode, request_.method, request_.path));
  trace_.route = match_.name;
  state_ = State::running;
  ::new (&response_) resource::Answer(worker.answer(location.mode, request_, match_, trace_));
  return response_ ? NGX_OK : start_fiber();
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t RequestCtx::start_fiber() {
  Worker& worker = Process::get().worker();
  const Monotonic deadline = worker.reactor().now() + worker.config().timeouts.request;
  const auto started = worker.scheduler().start(deadline, [this] { run_fiber(); });
  if (!started) {
    response_ = worker.refuse(started.error(), request_);
    return NGX_OK;
  }
  if (*started == nullptr) return NGX_OK;
  fiber_ = *started;
  return wait() ? NGX_DONE : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

void RequestCtx::run_fiber() noexcept {
  ::new (&response_) resource::Answer(Process::get().worker().answer(location_of(r_).mode, request_, match_, trace_));
  if (state_ != State::waiting) return;
  state_ = State::posted;
  ngx_event_t* const done = &done_;
  ngx_post_event(done, &ngx_posted_events);
}

bool RequestCtx::wait() noexcept {
  state_ = State::waiting;
  done_ = {};
  done_.data = this;
  done_.log = r_->connection->log;
  done_.handler = [](ngx_event_t* event) { static_cast<RequestCtx*>(event->data)->finalize(); };
  ngx_http_cleanup_t* const cleanup = ngx_http_cleanup_add(r_, 0);
  if (cleanup == nullptr) {
    cancel();
    return false;
  }
  cleanup->handler = [](void* ctx) { static_cast<RequestCtx*>(ctx)->cancel(); };
  cleanup->data = this;
  if (!r_->post_action) r_->read_event_handler = ngx_http_test_reading;  // notices a client that goes away
  r_->write_event_handler = ngx_http_request_empty_handler;
  return true;
}

void RequestCtx::cancel() noexcept {
  const State before = state_;
  if (before == State::waiting) {
    state_ = State::cancelled;
    fiber::cancel(*fiber_);
  } else if (before == State::posted) {
    state_ = State::cancelled;
    ngx_event_t* const done = &done_;
    ngx_delete_posted_event(done);
  }
}

void RequestCtx::finalize() noexcept {
  ngx_connection_t* const connection = r_->connection;
  ngx_http_set_log_request(connection->log, r_);
  const ngx_int_t sent = send();
  if (sent != NGX_DONE) ngx_http_finalize_request(r_, sent);
  ngx_http_run_posted_requests(connection);
}

/// What a write did is told whatever it takes.
bool RequestCtx::make_room() noexcept try {
  if (BodyWriter::has_room(response_->body.size()) || request_.method != http::Method::get) return true;
  response_ =
      Process::get().worker().refuse(Failure(Error::overloaded, "too many clients are slow to read their answers"), request_);
  return true;
} catch (...) {
  return false;
}

inline bool RequestCtx::add_lines() noexcept {
  auto& out = r_->headers_out;
  if (!response_->etag.empty() && (out.etag = add_line(r_, "ETag", response_->etag)) == nullptr) return false;
  if (response_->last_modified) {
    // Never later than Date (RFC 9110 §8.8.2.1): another host's clock may be ahead, and nginx's own is looked at once a turn.
    HttpDate& modified = *response_->last_modified;
    if (const Timestamp now{Seconds{ngx_time()}}; modified.at > now) modified = now;
    if ((out.last_modified = add_line(r_, "Last-Modified", modified.view())) == nullptr) return false;
    out.last_modified_time = std::chrono::floor<Seconds>(modified.at.time_since_epoch()).count();
  }
  if (response_->age) {
    char* const text = age_.data();
    const char* const end = std::to_chars(text, text + age_.size(), response_->age->count()).ptr;
    if (add_line(r_, "Age", {text, static_cast<std::size_t>(end - text)}) == nullptr) return false;
  }
  const std::string_view cache_control = response_->cache_control;
  const std::string_view cache_status = response_->cache_status;
  if (!cache_control.empty() && !add_cache_control(r_, cache_control)) return false;
  if (!cache_status.empty() && add_line(r_, "Cache-Status", cache_status) == nullptr) return false;
  for (const http::Header& header : response_->headers()) {
    if (!take_header(r_, header.name, header.value)) return false;
  }
  return true;
}

ngx_int_t RequestCtx::send() noexcept {
  state_ = State::answered;
  if (trace_.fault) {
    const std::string_view id = info_.id();
    ngx_log_error(NGX_LOG_ERR, r_->connection->log, 0, "nacre: %s (request id %*s)", trace_.fault->c_str(), id.size(),
                  id.data());
  }
  if (!make_room()) return NGX_ERROR;
  const bool is_main = r_ == r_->main;
  if (!is_main) Process::get().worker().count_lookups(trace_.cache);  // the log phase counts main requests
  auto& out = r_->headers_out;
  out.status = static_cast<ngx_uint_t>(response_->status);
  if (response_->status != NGX_HTTP_NOT_MODIFIED) {
    out.content_length_n = static_cast<off_t>(response_->body.size());
  } else {
#if (NGX_HTTP_GZIP)
    r_->gzip_vary = 1;  // with `gzip_vary on`, as in the 200 (RFC 9110 §15.4.5): the gzip filter passes a 304 over
#endif
  }
  if (!response_->body.empty()) set_content_type(r_, response_->content_type);
  r_->disable_not_modified = 1;  // preconditions were judged already
  if (!add_lines()) return NGX_ERROR;
  const ngx_int_t sent = ngx_http_send_header(r_);
  if (sent == NGX_ERROR || sent > NGX_OK || r_->header_only) return sent;
  return send_body();
}

ngx_int_t RequestCtx::send_body() noexcept {
  if (response_->body.size() > BodyWriter::kSlice) {
    writer_ = BodyWriter::make(r_, std::move(response_->body));
    if (writer_ == nullptr) return NGX_ERROR;
    r_->write_event_handler = [](ngx_http_request_t* r) { find(r)->writer_->on_writable(); };
    return writer_->begin();
  }
  return send_at_once(r_, buffer_, response_->body);
}

}  // namespace nacre::nginx
