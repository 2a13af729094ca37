#pragma once

#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "http/request.h"

namespace nacre::http {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProblemJson = "application/problem+json";

/// What a handler returns and the adapter sends. ETag and Last-Modified have places of their own since conditional requests and
/// the cache look at them; the adapter writes what is not text yet.
class Response {
 public:
  Response() = default;
  explicit Response(int status_code) : status(status_code) {}

  int status = 200;
  std::string body;
  std::string_view content_type = kJson;  ///< static, or made to last by `keep`
  std::string etag;                       ///< with its quotes; empty: none
  std::optional<Timestamp> last_modified;
  std::optional<Seconds> age;              ///< in caches (RFC 9111 §5.1)
  std::shared_ptr<const Failure> failure;  ///< of an application's problem: the pipeline makes the document of it

  /// Adds a header whose value lives as long as the configuration (a literal, or a string of the configuration).
  void add_static(std::string_view name, std::string_view value) {
    if (headers_.empty()) headers_.reserve(kUsualHeaders);
    headers_.push_back({name, value});
  }
  /// Adds a header, copying the value; `name` is a literal.
  void add(std::string_view name, std::string value) { add_static(name, keep(std::move(value))); }
  /// Owns `text` for as long as the response lives.
  std::string_view keep(std::string text) { return owned_.emplace_front(std::move(text)); }

  const std::vector<Header>& headers() const noexcept { return headers_; }
  /// The first header of that name (ASCII case-insensitive), or nullopt.
  std::optional<std::string_view> header(std::string_view name) const noexcept;

 private:
  static constexpr std::size_t kUsualHeaders = 6;

  std::vector<Header> headers_;
  std::forward_list<std::string> owned_;
};

}  // namespace nacre::http
