#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "fiber/reactor.h"

/// Calls from handlers to other services.
namespace nacre::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;  ///< http or https; what comes from a client must be percent-encoded in it
  HttpHeaders headers{};
  std::string body{};
  std::optional<Milliseconds> timeout{};  ///< for the whole call; the fiber's deadline holds as well
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers{};  ///< as received, in their order; trailers are left out
  std::string body{};

  /// The first header of that name (ASCII case-insensitive), or nullopt.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
};

struct HttpOptions {
  std::size_t max_body = 8UL * 1024 * 1024;  ///< bytes of an answer's body
  std::size_t max_head = 64UL * 1024;        ///< bytes of an answer's status line and headers
  std::size_t transfers = 256;               ///< calls in progress at once
  long connections = 64;                     ///< kept open for reuse, idle ones beyond that are closed
  long redirects = 0;                        ///< followed for GET and HEAD, never from https to http; at most 5
  std::string ca_file{};                     ///< PEM file of trusted certificates; empty: the system's
  std::string proxy{};                       ///< empty: none, whatever the environment says
};

class Multi;

/// Sends HTTP/1.1 and, over TLS where the server offers it, HTTP/2. Connections are kept and used again; certificates are
/// always verified. One for each worker, all on the loop's thread.
///
/// An answer of any status is a value. Failures:
/// - Error::internal: the request is malformed (scheme, control characters, a header that the client sets itself); it was not
///   sent. This is also what stops header injection.
/// - Error::unavailable: no answer, for whatever reason, or one that is malformed or over the bounds. `internal` says why.
/// - Error::overloaded: too many calls are in progress.
/// - Error::deadline, Error::cancelled: the connection is closed and the other service may have acted on the request.
///
/// A request that is not idempotent (RFC 9110 §9.2.2) is sent at most once; others once more when a kept connection turns out
/// to be closed.
class HttpClient {
 public:
  explicit HttpClient(Reactor& reactor, HttpOptions options = {});
  /// Closes all connections; calls in progress end with Error::unavailable. On the main stack.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// On a fiber, which waits for the whole answer.
  Result<HttpResponse> send(HttpRequest request);
  Result<HttpResponse> get(std::string url);
  Result<HttpResponse> post_json(std::string url, const Json& body);

 private:
  std::shared_ptr<Multi> multi_;
};

}  // namespace nacre::net
