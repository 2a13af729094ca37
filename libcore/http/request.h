#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

namespace nacre::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };
std::string_view to_string(Method method) noexcept;

struct Header {
  std::string_view name;
  std::string_view value;
};

/// A request as the pipeline sees it: views into memory that outlives the request's fiber.
struct Request {
  Method method = Method::other;
  std::string_view mount;  ///< prefix of the nginx location, without a final slash: "" or "/v1"
  std::string_view path;   ///< decoded and normalized path below `mount`; begins with a slash
  std::string_view query;  ///< raw, without the question mark
  std::string_view body;
  std::string_view id;      ///< X-Request-Id, made by the adapter
  std::string_view client;  ///< address of the client, as nginx's realip module sees it
  bool tls = false;
  std::span<const Header> headers;

  /// The first header of that name (ASCII case-insensitive), or nullopt.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
};

}  // namespace nacre::http
