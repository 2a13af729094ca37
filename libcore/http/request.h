#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "base/time.h"

namespace nacre::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };
std::string_view to_string(Method method) noexcept;
/// Whether an action reads the body; of the other methods it is ignored.
constexpr bool takes_body(Method method) noexcept {
  return method == Method::post || method == Method::put || method == Method::patch;
}

struct Header {
  std::string_view name;
  std::string_view value;
};

/// Where a request's headers are found: in the server's own memory, without a copy.
class Headers {
 public:
  /// The first header of that name (ASCII case-insensitive), or nullopt.
  virtual std::optional<std::string_view> find(std::string_view name) const noexcept = 0;
  /// Visits all headers in their order.
  virtual void each(FunctionRef<void(std::string_view name, std::string_view value)> visit) const = 0;

 protected:
  ~Headers() = default;
};

/// Headers in a list of one's own.
class HeaderList final : public Headers {
 public:
  HeaderList(std::vector<Header> headers) : headers_(std::move(headers)) {}  // NOLINT(google-explicit-constructor)
  std::optional<std::string_view> find(std::string_view name) const noexcept override;
  void each(FunctionRef<void(std::string_view name, std::string_view value)> visit) const override;

 private:
  std::vector<Header> headers_;
};

/// A request as the pipeline sees it: views into memory that outlives the request's fiber.
struct Request {
  Method method = Method::other;
  std::string_view mount;  ///< what comes before `path` in links, percent-encoded, without a final slash: "" or "/v1"
  std::string_view path;   ///< decoded and normalized path below `mount`; begins with a slash
  std::string_view query;  ///< raw, without the question mark
  std::string_view body;
  std::string_view id;      ///< X-Request-Id, made by the adapter
  std::string_view client;  ///< address of the client, as nginx's realip module sees it
  bool tls = false;
  bool conditional = true;  ///< false: it has none of the headers of RFC 9110 §13.1
  bool credential = true;   ///< false: it has no Authorization
  const Headers* headers = nullptr;

  /// The first header of that name (ASCII case-insensitive), or nullopt.
  std::optional<std::string_view> header(std::string_view name) const noexcept {
    return headers != nullptr ? headers->find(name) : std::nullopt;
  }
  /// All headers of that name as one list (RFC 9110 §5.3), or nullopt.
  std::optional<std::string> header_list(std::string_view name) const;
};

}  // namespace nacre::http
