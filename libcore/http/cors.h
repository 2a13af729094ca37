#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "http/request.h"

namespace nacre::http {

/// What `cors` of nacre.yaml says.
struct CorsRules {
  bool any_origin = false;             ///< `origins: "*"`; then without credentials
  std::vector<std::string> origins{};  ///< as browsers write them: "https://app.example.com"
  bool credentials = false;            ///< pages may read what the server answers to a user's cookie
  Milliseconds max_age{600'000};       ///< how long a browser may keep a preflight's answer; browsers have maxima of their own
  std::vector<std::string> headers{};  ///< request headers that pages may set, beside those that the API reads
  std::vector<std::string> expose{};   ///< response headers that pages may read, beside those that the API sends
};

/// The few lines that CORS adds to an answer; their text belongs to the Cors, the request and the configuration.
class CorsLines {
 public:
  void add(std::string_view name, std::string_view value) noexcept { lines_[size_++] = {name, value}; }
  const Header* begin() const noexcept { return lines_.data(); }
  const Header* end() const noexcept { return lines_.data() + size_; }

 private:
  static constexpr std::size_t kMost = 6;
  std::array<Header, kMost> lines_{};
  std::size_t size_ = 0;
};

/// Answers for pages of other origins, as the Fetch standard's CORS protocol (§3.3) asks for. Made once from the configuration.
class Cors {
 public:
  explicit Cors(CorsRules rules);
  // The lines are views of its strings.
  Cors(const Cors&) = delete;
  Cors& operator=(const Cors&) = delete;

  /// A question of the browser's, asked before a request that only a page of an allowed origin may make: OPTIONS with Origin
  /// and Access-Control-Request-Method.
  static bool is_preflight(Method method, const Headers& headers) noexcept;

  /// True for an origin whose pages may read the answers.
  bool allows(std::string_view origin) const noexcept;

  /// For every answer but a preflight's, errors included. `origin` is the request's, nullopt when it has none.
  CorsLines answer(std::optional<std::string_view> origin) const noexcept;

  /// For a preflight's answer, whose status must be 2xx or the browser takes it for a no. `methods` are those of the path; ""
  /// where nothing is at it: then all, so that the page gets to read the 404.
  CorsLines preflight(std::string_view origin, std::string_view methods) const noexcept;

 private:
  void allow(CorsLines& lines, std::string_view origin) const noexcept;

  CorsRules rules_;  ///< origins sorted
  std::string headers_;
  std::string expose_;
  std::string max_age_;
};

/// nullopt when `text` is an origin as a browser writes it (RFC 6454 §6.2): http or https, "://", a host in lower case, and a
/// port where it is not the scheme's own. Else what is wrong with it.
std::optional<std::string_view> flaw_of_origin(std::string_view text) noexcept;

}  // namespace nacre::http
