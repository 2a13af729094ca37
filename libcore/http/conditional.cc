#include "http/conditional.h"

#include <charconv>

#include "base/ascii.h"

namespace nacre::http {

std::optional<EntityTag> EntityTagList::next() noexcept {
  rest_ = trim(rest_);
  while (rest_.starts_with(',')) rest_ = trim(rest_.substr(1));  // empty elements are legal (RFC 9110 §5.6.1.2)
  if (rest_.empty()) return std::nullopt;
  EntityTag tag;
  tag.weak = rest_.starts_with("W/");
  if (tag.weak) rest_.remove_prefix(2);
  const std::size_t end = rest_.starts_with('"') ? rest_.find('"', 1) : std::string_view::npos;
  const std::string_view after = end == std::string_view::npos ? std::string_view{} : trim(rest_.substr(end + 1));
  if (end == std::string_view::npos || (!after.empty() && !after.starts_with(','))) {
    malformed_ = true;
    rest_ = {};
    return std::nullopt;
  }
  tag.opaque = rest_.substr(1, end - 1);
  rest_ = after;
  return tag;
}

bool matches_if_none_match(std::string_view header, std::string_view etag) noexcept {
  if (trim(header) == "*") return true;
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  EntityTagList list(header);
  while (const auto tag = list.next()) {
    if (etag.size() == tag->opaque.size() + 2 && etag.substr(1, tag->opaque.size()) == tag->opaque) return true;
  }
  return false;
}

bool not_modified(const Request& request, std::string_view etag, std::optional<Timestamp> last_modified) noexcept {
  if (const auto header = request.header("If-None-Match")) return !etag.empty() && matches_if_none_match(*header, etag);
  if (!last_modified) return false;
  const auto header = request.header("If-Modified-Since");
  if (!header) return false;
  const auto since = parse_http_date(*header);
  return since && std::chrono::floor<Seconds>(*last_modified) <= *since;
}

Result<store::Precondition> parse_if_match(const Request& request) {
  store::Precondition precondition;
  const auto header = request.header("If-Match");
  if (!header || trim(*header) == "*") return precondition;
  precondition.any = false;
  EntityTagList list(*header);
  while (const auto tag = list.next()) {
    std::int64_t rev = 0;
    const char* const end = tag->opaque.data() + tag->opaque.size();
    const auto [stop, error] = std::from_chars(tag->opaque.data(), end, rev);
    const bool canonical = error == std::errc{} && stop == end && rev > 0 && !tag->opaque.starts_with('0');
    if (!tag->weak && canonical) precondition.revs.push_back(rev);
  }
  if (list.malformed()) return Failure(Error::bad_request, "If-Match: not a list of entity tags");
  return precondition;
}

}  // namespace nacre::http
