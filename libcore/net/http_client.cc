#include "net/http_client.h"

#include <algorithm>

#include "fiber/fiber.h"
#include "json/write.h"
#include "net/multi.h"
#include "net/request_check.h"
#include "net/transfer.h"

namespace nacre::net {

std::optional<std::string_view> HttpResponse::header(std::string_view name) const noexcept {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return same_name(h.first, name); });
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

HttpClient::HttpClient(Reactor& reactor, HttpOptions options) : multi_(std::make_shared<Multi>(reactor, std::move(options))) {}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::send(HttpRequest request) {
  if (auto checked = check(request); !checked) return checked.error();
  if (multi_->full()) return Failure(Error::overloaded, "too many calls to other services are in progress");
  std::optional<fiber::TimeLimit> limit;
  if (request.timeout) limit.emplace(*request.timeout);

  const std::weak_ptr<Multi> multi = multi_;  // the client may be gone when the fiber goes on
  const auto transfer = std::make_shared<Transfer>(std::move(request), fiber::deadline());
  multi_->submit(transfer);
  if (auto waited = transfer->finished.wait(); !waited) {
    if (const auto alive = multi.lock()) alive->abandon(transfer);
    if (waited.error().error == Error::deadline) return Failure(Error::deadline, "another service did not answer in time");
    return waited.error();
  }
  return std::move(transfer->result);
}

Result<HttpResponse> HttpClient::get(std::string url) { return send({.url = std::move(url)}); }

Result<HttpResponse> HttpClient::post_json(std::string url, const Json& body) {
  return send({.method = "POST",
               .url = std::move(url),
               .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
               .body = json_text(body)});
}

}  // namespace nacre::net
