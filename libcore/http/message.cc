#include <algorithm>

#include "base/ascii.h"
#include "http/request.h"
#include "http/response.h"

namespace nacre::http {

namespace {

std::optional<std::string_view> find_in(const std::vector<Header>& headers, std::string_view name) noexcept {
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

std::optional<std::string_view> HeaderList::find(std::string_view name) const noexcept { return find_in(headers_, name); }
std::optional<std::string_view> Response::header(std::string_view name) const noexcept { return find_in(headers_, name); }

}  // namespace nacre::http
