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

  /// nullptr without memory.
  static BodyWriter* make(ngx_http_request_t* r, std::string body) noexcept;

  /// Sends the first slice. NGX_DONE: the rest follows, and then this finalizes the request, which uses up one count. The
  /// request's write_event_handler must call `on_writable`.
  ngx_int_t begin() noexcept;
  void on_writable() noexcept;

 private:
  BodyWriter(ngx_http_request_t* r, std::string body) noexcept;
  ngx_int_t put_slice() noexcept;
  bool must_wait() const noexcept;
  ngx_int_t go_on(ngx_int_t sent) noexcept;
  void finish(ngx_int_t sent) noexcept;
  void cancel() noexcept;

  ngx_http_request_t* r_;
  std::string body_;
  std::size_t put_ = 0;  // bytes of it that filters were given
  ngx_buf_t* slice_ = nullptr;
  ngx_event_t next_{};
};

/// Gives nginx's filters a piece of an answer's body. The text must live as long as the request.
ngx_int_t put_body(ngx_http_request_t* r, ngx_buf_t* buffer, std::string_view text, bool is_last) noexcept;

}  // namespace nacre::nginx
