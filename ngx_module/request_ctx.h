#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "body_writer.h"
#include "conf.h"
#include "fiber/fiber.h"
#include "http/request.h"
#include "http/response.h"
#include "main_info.h"
#include "ngx.hpp"
#include "resource/call.h"

namespace nacre::nginx {

http::Method method_of(const ngx_http_request_t& r) noexcept;

/// The headers that nginx read. A subrequest has those of the client's request, but for what the client said of the document
/// and of the action that it named itself: preconditions (RFC 9110 §13), a range, an idempotency key. A mirrored request keeps
/// the preconditions, for it repeats the client's own.
class RequestHeaders final : public http::Headers {
 public:
  explicit RequestHeaders(const ngx_http_request_t& r) noexcept : r_(r) {}
  std::optional<std::string_view> find(std::string_view name) const noexcept override;
  void each(FunctionRef<void(std::string_view name, std::string_view value)> visit) const override;

 private:
  const ngx_http_request_t& r_;
};

/// One run of a Nacre location for one request, which may be a subrequest: lives in the request's pool and is destroyed with
/// it. From the start of its fiber to its answer it owns one count of the main request, and is the one that finalizes `r`.
///
///     fresh ── start ──▶ running ── no wait ─────▶ answered            (the handler sends and finalizes)
///                           └── fiber waits ──▶ waiting ── fiber ends ──▶ posted ──▶ answered   (the posted event does)
///                                                  └──────────┴── main request terminated ──▶ cancelled   (nobody does)
///
/// A request that never comes to a Nacre location stays fresh: then this only knows its route, for logs and metrics.
/// Where a main request is terminated (client gone, worker exiting), nginx runs the cleanups of it and its subrequests, which
/// cancel the fibers; a cancelled fiber runs to its end at once, so it never outlives the request whose memory it looks at.
class RequestCtx {
 public:
  /// The latest context of this request, made when there is none yet. nullptr without memory.
  static RequestCtx* of(ngx_http_request_t* r) noexcept;
  /// The latest context of this request, or nullptr when there is none yet; it survives internal redirects.
  static RequestCtx* find(ngx_http_request_t* r) noexcept;
  /// A context that has not been started: a request may come to several Nacre locations, one after another (error_page,
  /// post_action). nullptr without memory.
  static RequestCtx* fresh(ngx_http_request_t* r) noexcept;

  /// Destroys contexts and all older ones.
  static void destroy(RequestCtx* newest) noexcept;

  /// Answers the request, on a fiber where it has to wait. NGX_OK when it has its answer, NGX_DONE when it waits: then the
  /// request finalizes by itself, and uses up one count. An HTTP status on failure.
  ngx_int_t start() noexcept;

  /// Sends the answer, on the main stack. NGX_DONE where the rest follows (BodyWriter): then the request finalizes by itself,
  /// too.
  ngx_int_t send() noexcept;

  const MainInfo& info() const noexcept { return info_; }
  /// Of a request that nginx answered itself (limit_req, a body too large), too: it has the route that it would have had.
  const Trace& trace() {
    if (state_ == State::fresh) find_route();
    return trace_;
  }
  bool answered() const noexcept { return state_ == State::answered; }

 private:
  enum class State : std::uint8_t { fresh, running, waiting, posted, answered, cancelled };

  RequestCtx(ngx_http_request_t* r, MainInfo& info) noexcept : r_(r), info_(info), older_(info.contexts), headers_(*r) {
    info.contexts = this;
  }
  static RequestCtx* make(ngx_http_request_t* r) noexcept;
  ~RequestCtx();
  RequestCtx(const RequestCtx&) = delete;
  RequestCtx& operator=(const RequestCtx&) = delete;
  void find_route();
  void take_path(const LocationConf& location) noexcept;
  void find_mount();
  bool take_request(const LocationConf& location);
  bool take_body();
  ngx_int_t start_fiber();
  void run_fiber() noexcept;
  bool wait() noexcept;
  void cancel() noexcept;
  void finalize() noexcept;
  bool make_room() noexcept;
  bool add_lines() noexcept;
  ngx_int_t send_body() noexcept;

  ngx_http_request_t* r_;
  const MainInfo& info_;
  RequestCtx* older_;
  State state_ = State::fresh;
  std::optional<std::string> body_;   // when nginx holds it in pieces
  std::optional<std::string> mount_;  // when it is not the location's
  bool body_too_large_ = false;
  RequestHeaders headers_;
  http::Request request_;
  route::Match match_;
  std::optional<http::Response> response_;
  std::array<char, 20> age_;  // digits
  ngx_buf_t buffer_;          // of a small body
  Trace trace_;
  fiber::Fiber* fiber_ = nullptr;
  BodyWriter* writer_ = nullptr;  // of a large body
  ngx_event_t done_;              // of a request that waits
};

}  // namespace nacre::nginx
