#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "fiber/fiber.h"
#include "http/request.h"
#include "http/response.h"
#include "ngx.hpp"
#include "resource/call.h"

namespace nacre::nginx {

http::Method method_of(const ngx_http_request_t& r) noexcept;

/// The headers that nginx read.
class RequestHeaders final : public http::Headers {
 public:
  explicit RequestHeaders(const ngx_http_request_t& r) noexcept : r_(r) {}
  std::optional<std::string_view> find(std::string_view name) const noexcept override;

 private:
  const ngx_http_request_t& r_;
};

/// What Nacre knows of a request: lives in the request's pool and is destroyed with it. The one owner of the request's count
/// and of finalizing, from the start of its fiber to its answer:
///
///     new ── start ──▶ answered                    (the fiber did not wait: the handler sends)
///              └─────▶ waiting ── fiber ends ──▶ posted ──▶ answered   (the posted event sends)
///                         └── request terminated ──▶ cancelled          (nobody sends)
///
/// A terminated request (client gone, worker exiting) runs its cleanup, which cancels the fiber; a cancelled fiber runs to its
/// end at once, so it never outlives the request whose memory it looks at.
class RequestCtx {
 public:
  /// The context of a request, made when there is none yet; it survives internal redirects. nullptr without memory.
  static RequestCtx* of(ngx_http_request_t* r) noexcept;
  /// The context, or nullptr when there is none yet.
  static RequestCtx* find(ngx_http_request_t* r) noexcept;

  /// Runs the request's fiber. NGX_OK when it has its answer, NGX_DONE when it waits: then the request finalizes by itself,
  /// and uses up one count. An HTTP status on failure.
  ngx_int_t start() noexcept;

  /// Sends the answer, on the main stack.
  ngx_int_t send() noexcept;

  std::string_view id() const noexcept { return {id_.data(), id_.size()}; }
  /// Of a request that nginx answered itself (limit_req, a body too large), too: it has the route that it would have had.
  const Trace& trace();
  bool answered() const noexcept { return state_ == State::answered; }

  ngx_chain_t* problem_body = nullptr;  ///< a problem document that takes the place of nginx's own error page
  bool has_id_header = false;

 private:
  enum class State : std::uint8_t { fresh, running, waiting, posted, answered, cancelled };

  explicit RequestCtx(ngx_http_request_t* r) noexcept;
  void take_path() noexcept;
  bool take_request();
  bool take_body();
  void run_fiber() noexcept;
  bool wait() noexcept;
  void cancel() noexcept;
  void finalize() noexcept;

  ngx_http_request_t* r_;
  State state_ = State::fresh;
  std::array<char, 32> id_;
  std::string body_;  // when nginx holds it in pieces
  RequestHeaders headers_;
  http::Request request_;
  http::Response response_;
  Trace trace_;
  fiber::Fiber* fiber_ = nullptr;
  ngx_event_t done_{};
};

}  // namespace nacre::nginx
