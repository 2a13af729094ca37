#include "body_writer.h"

#include <new>
#include <utility>

namespace nacre::nginx {

ngx_int_t put_body(ngx_http_request_t* r, ngx_buf_t* buffer, std::string_view text, bool is_last) noexcept {
  const bool is_main = r == r->main;
  if (!text.empty()) {
    buffer->pos = buffer->start = to_ngx_str(text).data;
    buffer->last = buffer->end = buffer->pos + text.size();
    buffer->memory = 1;
  }
  buffer->last_buf = is_main && is_last ? 1 : 0;
  buffer->last_in_chain = is_last ? 1 : 0;
  buffer->sync = !is_main && text.empty() ? 1 : 0;  // an empty buffer needs a reason to be
  ngx_chain_t chain{buffer, nullptr};
  return ngx_http_output_filter(r, &chain);
}

BodyWriter::BodyWriter(ngx_http_request_t* r, std::string body) noexcept : r_(r), body_(std::move(body)) {
  next_.data = this;
  next_.log = r->connection->log;
  next_.handler = [](ngx_event_t* event) {
    auto* const self = static_cast<BodyWriter*>(event->data);
    ngx_connection_t* const connection = self->r_->connection;
    ngx_http_set_log_request(connection->log, self->r_);
    self->finish(self->go_on(self->put_slice()));
    ngx_http_run_posted_requests(connection);
  };
}

BodyWriter* BodyWriter::make(ngx_http_request_t* r, std::string body) noexcept {
  void* const memory = ngx_palloc(r->pool, sizeof(BodyWriter));
  ngx_pool_cleanup_t* const end = ngx_pool_cleanup_add(r->pool, 0);
  ngx_http_cleanup_t* const termination = ngx_http_cleanup_add(r, 0);
  if (memory == nullptr || end == nullptr || termination == nullptr) return nullptr;
  auto* const writer = new (memory) BodyWriter(r, std::move(body));
  end->handler = [](void* self) { static_cast<BodyWriter*>(self)->~BodyWriter(); };
  termination->handler = [](void* self) { static_cast<BodyWriter*>(self)->cancel(); };
  end->data = termination->data = writer;
  return writer;
}

ngx_int_t BodyWriter::begin() noexcept {
  if (!r_->post_action && !r_->discard_body) r_->read_event_handler = ngx_http_test_reading;
  return go_on(put_slice());
}

ngx_int_t BodyWriter::put_slice() noexcept {
  slice_ = static_cast<ngx_buf_t*>(ngx_calloc_buf(r_->pool));
  if (slice_ == nullptr) return NGX_ERROR;
  const std::string_view text = std::string_view(body_).substr(put_, kSlice);
  put_ += text.size();
  return put_body(r_, slice_, text, put_ == body_.size());
}

/// Whether the last slice, or what filters made of it, waits for the client or for another request's turn. Where nothing of
/// nginx holds data back, a filter keeps the slice for what follows.
bool BodyWriter::must_wait() const noexcept {
  const ngx_connection_t& connection = *r_->connection;
  const bool is_taken_in = ngx_buf_size(slice_) == 0;
  if (!is_taken_in && (r_->buffered != 0 || r_->postponed != nullptr)) return true;
  if (r_ != connection.data) return false;
  const unsigned unsent = NGX_LOWLEVEL_BUFFERED | NGX_HTTP_WRITE_BUFFERED;  // gzip's own mark stays until its end
  return connection.write->delayed || (connection.buffered & (is_taken_in ? unsent : ~0U)) != 0;
}

/// What to finalize the request with, or NGX_DONE. An armed timer keeps a worker that exits gracefully alive.
ngx_int_t BodyWriter::go_on(ngx_int_t sent) noexcept {
  const bool is_active = r_ == r_->connection->data;
  ngx_event_t* const writing = r_->connection->write;
  if (sent == NGX_ERROR || put_ == body_.size()) {
    r_->write_event_handler = ngx_http_request_empty_handler;
    if (is_active && writing->timer_set && !writing->delayed) ngx_del_timer(writing);
    return sent;
  }
  const auto* const core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r_->main, ngx_http_core_module));
  if (is_active && !writing->delayed) ngx_add_timer(writing, core->send_timeout);
  if (must_wait()) return ngx_handle_write_event(writing, core->send_lowat) == NGX_OK ? NGX_DONE : NGX_ERROR;
  ngx_event_t* const next = &next_;
  ngx_post_event(next, &ngx_posted_next_events);
  return NGX_DONE;
}

/// As nginx's own writer.
void BodyWriter::on_writable() noexcept {
  ngx_connection_t* const connection = r_->connection;
  if (connection->write->timedout) {
    ngx_log_error(NGX_LOG_INFO, connection->log, NGX_ETIMEDOUT, "client timed out");
    connection->timedout = 1;
    return finish(NGX_HTTP_REQUEST_TIME_OUT);
  }
  if (next_.posted) return;
  const bool may_write = !connection->write->delayed && !r_->aio;
  finish(go_on(may_write ? ngx_http_output_filter(r_, nullptr) : NGX_OK));
}

void BodyWriter::finish(ngx_int_t sent) noexcept {
  if (sent != NGX_DONE) ngx_http_finalize_request(r_, sent);
}

void BodyWriter::cancel() noexcept {
  ngx_event_t* const next = &next_;
  if (next->posted) {
    ngx_delete_posted_event(next);
  }
}

}  // namespace nacre::nginx
