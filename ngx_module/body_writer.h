#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ngx.hpp"

namespace nacre::nginx {

/// Sends the large body of an answer through nginx's filters: at most a slice in a turn of the loop, for a filter may work on
/// it (gzip), and the next when filters and client have taken in the one before, so that what they hold of it is bounded. Lives
/// in the request's pool.
class BodyWriter {
 public:
  /// What is sent at once, and a slice of what is not.
  static constexpr std::size_t kSlice = 64UL << 10U;
  /// What the answers of a worker hold together until they are sent.
  static constexpr std::size_t kMemory = 24UL << 20U;
  static constexpr std::size_t kFiles = 1UL << 30U;

  /// Whether there is room for a body; where there is none, it may go to a file nevertheless.
  static bool has_room(std::size_t size) noexcept;
  /// nullptr without memory, or where the file can't be written.
  static BodyWriter* make(ngx_http_request_t* r, std::string body) noexcept;

  /// Sends the first slice. NGX_DONE: the rest follows, and then this finalizes the request, which uses up one count. The
  /// request's write_event_handler must call `on_writable`.
  ngx_int_t begin() noexcept;
  void on_writable() noexcept;

 private:
  BodyWriter(ngx_http_request_t* r, std::string&& body) noexcept;
  ~BodyWriter();
  bool move_to_file() noexcept;
  ngx_int_t put_slice() noexcept;
  bool must_wait() const noexcept;
  ngx_int_t go_on(ngx_int_t sent) noexcept;
  void finish(ngx_int_t sent) noexcept;
  void cancel() noexcept;

  ngx_http_request_t* r_;
  std::string body_;
  const std::size_t size_;
  ngx_temp_file_t* file_ = nullptr;  // in place of the body
  std::size_t put_ = 0;              // bytes that filters were given
  ngx_buf_t* slice_ = nullptr;
  ngx_event_t next_{};
};

/// Sends a small body, by a buffer that is filled in; both must live as long as the request.
ngx_int_t send_at_once(ngx_http_request_t* r, ngx_buf_t& buffer, std::string_view body) noexcept;

}  // namespace nacre::nginx
