#pragma once

#include <boost/container/small_vector.hpp>
#include <forward_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "http/representation.h"
#include "http/request.h"

namespace nacre::http {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProblemJson = "application/problem+json";

/// A view of text that outlives the answer: a literal, or a string of the configuration. A temporary does not compile.
class LastingText {
 public:
  template <std::size_t N>
  constexpr LastingText(const char (&literal)[N]) noexcept : view_(literal, N - 1) {}  // NOLINT(google-explicit-constructor)
  constexpr LastingText(std::string_view lasting) noexcept : view_(lasting) {}         // NOLINT(google-explicit-constructor)
  LastingText(const std::string& lasting) noexcept : view_(lasting) {}                 // NOLINT(google-explicit-constructor)
  LastingText(std::string&&) = delete;
  constexpr operator std::string_view() const noexcept { return view_; }  // NOLINT(google-explicit-constructor)
  friend constexpr bool operator==(LastingText a, std::string_view b) noexcept { return a.view_ == b; }

 private:
  std::string_view view_;
};

/// What a handler returns and the adapter sends. It is moved and never copied: its headers are views of what it owns. What
/// conditional requests and the cache look at, and what nearly all answers have, has a place of its own; the adapter writes
/// what is not text yet.
class Response : public Representation {
 public:
  Response() : Response(200) {}  // `= default` would have all of it zeroed first
  explicit Response(int status_code) : status(status_code) {}
  /// What went wrong: the pipeline makes the document of it.
  static Response failed(const Failure& why) {
    Response response(http_status(why.error));
    response.failure = std::make_shared<const Failure>(why);
    return response;
  }
  ~Response() = default;
  Response(Response&&) noexcept = default;
  Response& operator=(Response&&) noexcept = default;
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  int status;
  LastingText content_type = kJson;        ///< or made to last by `keep`
  LastingText cache_control = "";          ///< "": none
  LastingText cache_status = "";           ///< of the cache (RFC 9211); "": none
  std::optional<Seconds> age;              ///< in caches (RFC 9111 §5.1)
  std::shared_ptr<const Failure> failure;  ///< in place of a body

  /// Adds a header whose value lives as long as the configuration (a literal, or a string of the configuration).
  void add_static(LastingText name, LastingText value) { headers_.push_back({name, value}); }
  /// Adds a header that owns its value.
  // cppcheck-suppress passedByValue ; a view
  void add(LastingText name, std::string value) { add_static(name, keep(std::move(value))); }
  /// Owns `text` for as long as the response lives.
  std::string_view keep(std::string text) { return owned_.emplace_front(std::move(text)); }

  /// Those that were added.
  std::span<const Header> headers() const noexcept { return {headers_.data(), headers_.size()}; }
  /// The first of them of that name (ASCII case-insensitive), or nullopt.
  std::optional<std::string_view> header(std::string_view name) const noexcept;

 private:
  static constexpr std::size_t kUsualHeaders = 4;

  boost::container::small_vector<Header, kUsualHeaders> headers_;
  std::forward_list<std::string> owned_;
};

/// What makes an answer unfit to be sent, for operators; nullopt when nothing does: a status that is not final (RFC 9110 §15),
/// a header's name that is no token, a value with control characters, which could end its line and open another (§5.5), an
/// entity tag that is none (§8.8.3). Nacre's own answers have none of it; those of the application's handlers are looked at.
std::optional<std::string> defect_of(const Response& response);

}  // namespace nacre::http
