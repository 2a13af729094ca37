#include "body_writer.h"

#include <algorithm>
#include <new>
#include <utility>

#include "process.h"
#include "resource/off_loop.h"

namespace nacre::nginx {

namespace {

/// Of this process.
struct Held {
  std::size_t memory = 0;
  std::size_t files = 0;
  bool much = false;  // since memory was last given back
} held;

void put_text(ngx_buf_t& buffer, std::string_view text) noexcept {
  buffer.pos = buffer.start = to_ngx_str(text).data;
  buffer.last = buffer.end = buffer.pos + text.size();
  buffer.memory = 1;
}

ngx_int_t put(ngx_http_request_t* r, ngx_buf_t* buffer, bool is_last) noexcept {
  buffer->last_buf = is_last && r == r->main ? 1 : 0;
  buffer->last_in_chain = is_last ? 1 : 0;
  ngx_chain_t chain{buffer, nullptr};
  return ngx_http_output_filter(r, &chain);
}

}  // namespace

ngx_int_t send_at_once(ngx_http_request_t* r, ngx_buf_t& buffer, std::string_view body) noexcept {
  buffer = {};
  if (!body.empty()) put_text(buffer, body);
  buffer.sync = r != r->main && body.empty() ? 1 : 0;  // an empty buffer needs a reason to be
  return put(r, &buffer, true);
}

bool BodyWriter::has_room(std::size_t size) noexcept {
  return size <= kSlice || held.memory + size <= kMemory || held.files + size <= kFiles;
}

BodyWriter::BodyWriter(ngx_http_request_t* r, std::string&& body) noexcept
    : r_(r), body_(std::move(body)), size_(body_.size()) {
  held.memory += size_;
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

BodyWriter::~BodyWriter() {
  (file_ == nullptr ? held.memory : held.files) -= size_;
  std::string().swap(body_);
  if (held.memory > 0 || !std::exchange(held.much, false) || !Process::running()) return;
  resource::give_memory_back(Process::get().worker().reactor());
}

/// Without waiting for a disk, unless the system has no more room for what it is to write.
bool BodyWriter::move_to_file() noexcept {
  auto* const file = static_cast<ngx_temp_file_t*>(ngx_pcalloc(r_->pool, sizeof(ngx_temp_file_t)));
  if (file == nullptr) return false;
  const auto* const core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r_, ngx_http_core_module));
  file->file.fd = NGX_INVALID_FILE;
  file->file.log = r_->connection->log;
  file->path = core->client_body_temp_path;
  file->pool = r_->pool;
  file->log_level = NGX_LOG_INFO;
  file->warn = const_cast<char*>("nacre: an answer waits in a temporary file");
  ngx_buf_t whole{};
  put_text(whole, body_);
  ngx_chain_t chain{&whole, nullptr};
  if (ngx_write_chain_to_temp_file(file, &chain) == NGX_ERROR) return false;
  file_ = file;
  held.files += size_;
  held.memory -= size_;
  std::string().swap(body_);
  return true;
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
  if (held.memory <= kMemory) return writer;
  held.much = true;
  return writer->move_to_file() ? writer : nullptr;
}

ngx_int_t BodyWriter::begin() noexcept {
  if (!r_->post_action && !r_->discard_body) r_->read_event_handler = ngx_http_test_reading;
  return go_on(put_slice());
}

ngx_int_t BodyWriter::put_slice() noexcept {
  slice_ = static_cast<ngx_buf_t*>(ngx_calloc_buf(r_->pool));
  if (slice_ == nullptr) return NGX_ERROR;
  const std::size_t size = std::min(kSlice, size_ - put_);
  if (file_ == nullptr) {
    put_text(*slice_, std::string_view(body_).substr(put_, size));
  } else {
    slice_->in_file = 1;
    slice_->file = &file_->file;
    slice_->file_pos = static_cast<off_t>(put_);
    slice_->file_last = static_cast<off_t>(put_ + size);
  }
  put_ += size;
  return put(r_, slice_, put_ == size_);
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
  if (sent == NGX_ERROR || put_ == size_) {
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
