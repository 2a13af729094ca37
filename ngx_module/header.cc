#include "header.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/ascii.h"

namespace nacre::nginx {

namespace {

using Out = ngx_http_headers_out_t;

/// Headers of which an answer has one line, in a slot of its own.
struct Slot {
  std::string_view name;
  ngx_table_elt_t* Out::*line;
};

constexpr std::array kSlots = {
    Slot{"Date", &Out::date},
    Slot{"ETag", &Out::etag},
    Slot{"Server", &Out::server},
    Slot{"Expires", &Out::expires},
    Slot{"Refresh", &Out::refresh},
    Slot{"Last-Modified", &Out::last_modified},
    Slot{"Accept-Ranges", &Out::accept_ranges},
    Slot{"Content-Range", &Out::content_range},
    Slot{"Content-Encoding", &Out::content_encoding},
    Slot{"WWW-Authenticate", &Out::www_authenticate},
};

/// What nginx decides by itself (RFC 9110 §7.6.1 and the length).
constexpr std::array<std::string_view, 6> kOfNginx = {"Content-Length", "Transfer-Encoding", "Connection",
                                                      "Keep-Alive",     "Trailer",           "Upgrade"};

/// Lengths of names, as bits: most names have another one, and need no look at their letters.
class Lengths {
 public:
  constexpr void add(std::string_view name) noexcept { bits_ |= std::uint64_t{1} << name.size(); }
  constexpr bool has(std::string_view name) const noexcept { return name.size() < 64 && (bits_ >> name.size() & 1U) != 0; }

 private:
  std::uint64_t bits_ = 0;
};

constexpr Lengths kPlaced = [] {
  Lengths lengths;
  for (const std::string_view name : {"Cache-Control", "Link", "Location"}) lengths.add(name);
  for (const Slot& slot : kSlots) lengths.add(slot.name);
  return lengths;
}();

constexpr Lengths kNotSent = [] {
  Lengths lengths;
  lengths.add("Content-Type");
  for (const std::string_view name : kOfNginx) lengths.add(name);
  return lengths;
}();

/// "utf-8" of `text/html; charset=utf-8`, and where its parameter begins; npos without.
std::size_t find_charset(std::string_view type, std::string_view& charset) noexcept {
  for (std::size_t at = type.find(';'); at != std::string_view::npos; at = type.find(';', at + 1)) {
    constexpr std::string_view kName = "charset=";
    const std::string_view parameter = trim(type.substr(at + 1));
    if (!equals_ignoring_case(parameter.substr(0, kName.size()), kName)) continue;
    charset = trim(parameter.substr(kName.size(), parameter.find(';') - kName.size()));
    if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"') charset = charset.substr(1, charset.size() - 2);
    return at;
  }
  return std::string_view::npos;
}

}  // namespace

bool put_in_slot(ngx_http_request_t* r, std::string_view name, ngx_table_elt_t* line) noexcept {
  if (!kPlaced.has(name)) return true;
  Out& out = r->headers_out;
  if (equals_ignoring_case(name, "Cache-Control")) return append(r->pool, out.cache_control, line);
  if (equals_ignoring_case(name, "Link")) return append(r->pool, out.link, line);
  // nginx makes a path in this slot an absolute URI; one that was written as a path stays one, as an upstream's does.
  if (equals_ignoring_case(name, "Location") && line->value.len > 0 && line->value.data[0] != '/') out.location = line;
  for (const Slot& slot : kSlots) {
    if (!equals_ignoring_case(name, slot.name)) continue;
    out.*slot.line = line;
    break;
  }
  return true;
}

bool take_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept {
  if (!kNotSent.has(name)) return add_header(r, name, value) != nullptr;
  const auto is_name = [name](std::string_view other) { return equals_ignoring_case(name, other); };
  if (is_name("Content-Type")) {
    set_content_type(r, value);
    return true;
  }
  return std::any_of(kOfNginx.begin(), kOfNginx.end(), is_name) || add_header(r, name, value) != nullptr;
}

void take_parameters(Out& out) noexcept {
  const std::string_view type = to_view(out.content_type);
  const std::size_t end = type.find(';');
  std::string_view charset;
  if (end != std::string_view::npos) find_charset(type, charset);
  out.content_type_len = trim(type.substr(0, end)).size();  // what gzip_types and the like are compared with
  out.charset = to_ngx_str(charset);
}

namespace {

bool has_header(ngx_http_request_t* r, std::string_view name) noexcept {
  return any_header(r, [&](const ngx_table_elt_t& line) { return equals_ignoring_case(to_view(line.key), name); });
}

const void* end_of_lines(ngx_http_request_t* r) noexcept {
  const ngx_list_part_t& last = *r->headers_out.headers.last;
  return static_cast<const ngx_table_elt_t*>(last.elts) + last.nelts;
}

}  // namespace

bool OwnLines::add(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept {
  if (has_header(r, name)) return true;
  ngx_table_elt_t* const line = add_header(r, name, value);
  if (line == nullptr || count_ == lines_.size()) return false;
  lines_[count_++] = line;
  end_ = line + 1;
  return true;
}

void OwnLines::give_way(ngx_http_request_t* r) const noexcept {
  if (end_ == end_of_lines(r)) return;  // nobody added any
  const std::span own(lines_.data(), count_);
  each_header(r, [&](const ngx_table_elt_t& line) {
    for (ngx_table_elt_t* const ours : own) {
      if (ours == &line || ours->key.len != line.key.len) continue;
      if (equals_ignoring_case(to_view(ours->key), to_view(line.key))) ours->hash = 0;
    }
  });
}

}  // namespace nacre::nginx
