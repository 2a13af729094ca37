#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>

#include "base/error.h"
#include "base/time.h"
#include "fiber/fiber.h"
#include "net/http_client.h"

namespace nacre::net {

/// One call on its way through libcurl: the request, the easy handle, and the answer as it grows. Shared by the fiber that
/// waits for `finished` and by the Multi, for either may be gone first. Only the two last members are the fiber's business.
class Transfer {
 public:
  Transfer(HttpRequest request, Monotonic deadline) : request_(std::move(request)), deadline_(deadline) {}

  /// Makes the easy handle; nullptr when libcurl has no memory. On the main stack, as all that follows: libcurl and OpenSSL
  /// need more stack than a fiber has.
  CURL* open(const HttpOptions& options, Monotonic now);
  CURL* handle() const noexcept { return easy_.get(); }
  void close() noexcept { easy_.reset(); }

  /// Libcurl is done with it.
  void finish(CURLcode code);
  void fail(Failure failure);

  bool abandoned = false;  ///< nobody waits any more

  fiber::Event finished;
  Result<HttpResponse> result = Failure(Error::internal);  ///< once finished

 private:
  struct EasyDeleter {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  };
  struct ListDeleter {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };

  template <class T>
  void set(CURLoption option, T value) {
    ready_ = ready_ && curl_easy_setopt(easy_.get(), option, value) == CURLE_OK;
  }
  void set_method();
  void set_headers();
  void set_connection(const HttpOptions& options);
  void set_redirects(const HttpOptions& options);
  void add_header(const std::string& line);
  Failure failure(CURLcode code) const;

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* transfer) noexcept;
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* transfer) noexcept;
  static int before_request(void* transfer, char*, char*, int, int) noexcept;
  bool take_header(std::string_view line);

  HttpRequest request_;
  Monotonic deadline_;
  HttpResponse response_;
  std::size_t max_body_ = 0;
  std::size_t max_head_ = 0;
  std::size_t head_size_ = 0;
  bool head_ended_ = true;
  bool sent_ = false;
  bool ready_ = true;  ///< every option was taken
  const char* over_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> message_{};
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  std::unique_ptr<CURL, EasyDeleter> easy_;  ///< last: it refers to what is above
};

}  // namespace nacre::net
