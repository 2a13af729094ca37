#include "net/transfer.h"

#include <algorithm>
#include <climits>
#include <string_view>

#include "net/request_check.h"

namespace nacre::net {

namespace {

constexpr long kMaxRedirects = 5;

/// RFC 9110 §9.2.2.
bool is_idempotent(std::string_view method) noexcept {
  constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

CURL* Transfer::open(const HttpOptions& options, Monotonic now) {
  easy_.reset(curl_easy_init());
  if (!easy_) return nullptr;
  max_body_ = options.max_body;
  max_head_ = options.max_head;
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_ERRORBUFFER, message_.data());
  set(CURLOPT_URL, request_.url.c_str());
  // The fiber keeps the deadline; libcurl knows it to share the time out among the addresses of a host.
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::clamp<std::int64_t>((deadline_ - now).count(), 1, INT_MAX)));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_PREREQFUNCTION, &Transfer::before_request);
  set(CURLOPT_PREREQDATA, this);
  set_connection(options);
  set_redirects(options);
  set_method();
  set_headers();
  if (!ready_) easy_.reset();
  return easy_.get();
}

void Transfer::set_connection(const HttpOptions& options) {
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // else removing a transfer waits for its name look-up to end, up to 30 s
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, options.proxy.c_str());
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_CAPATH, nullptr);  // else libcurl reads the system's certificates again, for 20 ms, at each handshake
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
}

/// Only for requests that keep their meaning on the way; a POST would turn into a GET, a PUT lose its body.
void Transfer::set_redirects(const HttpOptions& options) {
  const bool safe = request_.body.empty() && (request_.method == "GET" || request_.method == "HEAD");
  if (options.redirects <= 0 || !safe) return;
  const bool tls = same_name(std::string_view(request_.url).substr(0, 6), "https:");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, std::min(options.redirects, kMaxRedirects));
  set(CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
}

void Transfer::set_method() {
  const std::string& method = request_.method;
  const bool has_body = !request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (has_body) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, request_.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  } else if (method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

void Transfer::add_header(const std::string& line) {
  curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
  ready_ = ready_ && longer != nullptr;
  if (longer == nullptr) return;
  (void)headers_.release();
  headers_.reset(longer);
}

void Transfer::set_headers() {
  // Without a value libcurl leaves its own header out.
  add_header("Expect:");
  const auto given = [this](std::string_view name) {
    return std::any_of(request_.headers.begin(), request_.headers.end(),
                       [&](const auto& h) { return same_name(h.first, name); });
  };
  if (!given("Content-Type")) add_header("Content-Type:");
  for (const auto& [name, value] : request_.headers) {
    // An empty value is asked for with a semicolon.
    std::string line = name;
    line.append(trim(value).empty() ? ";" : ": ").append(value);
    add_header(line);
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, "nacre/" NACRE_VERSION);
}

int Transfer::before_request(void* transfer, char*, char*, int, int) noexcept {
  auto& self = *static_cast<Transfer*>(transfer);
  // Libcurl sends again what a kept connection gave no answer to; the other end may have acted on it all the same.
  if (self.sent_ && !is_idempotent(self.request_.method)) return CURL_PREREQFUNC_ABORT;
  self.sent_ = true;
  return CURL_PREREQFUNC_OK;
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* transfer) noexcept try {
  return static_cast<Transfer*>(transfer)->take_header({data, size * count}) ? size * count : 0;
} catch (...) {
  return 0;  // no memory: libcurl gives the transfer up
}

/// A line of the head of an answer, of an interim or redirected one before it, or of the trailers after the body.
bool Transfer::take_header(std::string_view line) {
  if (head_ended_) {
    if (!line.starts_with("HTTP/")) return true;
    head_ended_ = false;
    head_size_ = 0;
    response_.headers.clear();
  }
  head_size_ += line.size();
  if (head_size_ > max_head_) {
    over_ = "the head of another service's answer is too large";
    return false;
  }
  if (trim(line).empty()) {
    head_ended_ = true;
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos && !line.starts_with("HTTP/")) {
    response_.headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  return true;
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* transfer) noexcept try {
  auto& self = *static_cast<Transfer*>(transfer);
  if (size * count > self.max_body_ - self.response_.body.size()) {
    self.over_ = "the body of another service's answer is too large";
    return 0;
  }
  self.response_.body.append(data, size * count);
  return size * count;
} catch (...) {
  return 0;
}

Failure Transfer::failure(CURLcode code) const {
  Failure failure(Error::unavailable, "another service did not answer properly");
  failure.internal = message_[0] != '\0' ? message_.data() : curl_easy_strerror(code);
  if (over_ != nullptr) failure.detail = over_;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      failure.error = Error::deadline;
      failure.detail = "another service did not answer in time";
      break;
    case CURLE_URL_MALFORMAT:
      failure.error = Error::internal;
      failure.detail.clear();
      break;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
      failure.detail = "another service can't be reached";
      break;
    default:
      break;
  }
  return failure;
}

void Transfer::finish(CURLcode code) {
  // Libcurl takes a head that breaks off for a whole one.
  if (code == CURLE_OK && !head_ended_) code = CURLE_WEIRD_SERVER_REPLY;
  if (code != CURLE_OK) return fail(failure(code));
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  result = std::move(response_);
  finished.set();
}

void Transfer::fail(Failure failure) {
  result = std::move(failure);
  finished.set();
}

}  // namespace nacre::net
