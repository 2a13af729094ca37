#include <algorithm>

#include "base/ascii.h"
#include "http/request.h"
#include "http/response.h"
#include "http/syntax.h"

namespace nacre::http {

namespace {

std::optional<std::string_view> find_in(std::span<const Header> headers, std::string_view name) noexcept {
  for (const Header& header : headers) {
    if (equals_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Method method) noexcept {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "OTHER";
}

void HeaderList::each(FunctionRef<void(std::string_view name, std::string_view value)> visit) const {
  for (const Header& header : headers_) visit(header.name, header.value);
}

std::optional<std::string> Request::header_list(std::string_view name) const {
  std::optional<std::string> list;
  if (headers == nullptr) return list;
  headers->each([&](std::string_view line_name, std::string_view value) {
    if (!equals_ignoring_case(line_name, name)) return;
    if (list) {
      list->append(", ").append(value);
    } else {
      list.emplace(value);
    }
  });
  return list;
}

std::optional<std::string> defect_of(const Response& response) {
  if (response.status < 200 || response.status > 599) return "the status " + std::to_string(response.status);
  if (response.age && *response.age < Seconds{}) return "an age below zero";
  if (!response.etag.empty() && !is_entity_tag(response.etag)) return "an entity tag that is none";
  if (!is_field_value(response.content_type)) return "control characters in the content type";
  if (!is_field_value(response.cache_control)) return "control characters in Cache-Control";
  if (!is_field_value(response.cache_status)) return "control characters in Cache-Status";
  for (const Header& header : response.headers()) {
    if (!is_token(header.name)) return "a header whose name is no token";
    if (!is_field_value(header.value)) return "control characters in the header " + std::string(header.name);
  }
  return std::nullopt;
}

std::optional<std::string_view> HeaderList::find(std::string_view name) const noexcept { return find_in(headers_, name); }
std::optional<std::string_view> Response::header(std::string_view name) const noexcept { return find_in(headers(), name); }

}  // namespace nacre::http
