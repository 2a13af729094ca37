#include "http/conditional.h"

#include <sodium.h>

#include <array>

#include "base/ascii.h"

namespace nacre::http {

namespace {

bool is_list(std::string_view text) noexcept {
  if (trim(text) == "*") return true;
  EntityTagList list(text);
  while (list.next()) {
  }
  return !list.malformed();
}

bool has_weak(std::string_view text) noexcept {
  EntityTagList list(text);
  while (const auto tag = list.next()) {
    if (tag->weak) return true;
  }
  return false;
}

void add_line(std::optional<ShortText>& to, std::string_view value) {
  if (to) {
    to->assign(std::string(*to).append(", ").append(value));
  } else {
    to.emplace(value);
  }
}

/// Whether `modified` is not after the date; nullopt where there is no date to compare with.
std::optional<bool> unmodified(const std::optional<ShortText>& header, std::optional<Timestamp> modified) {
  if (!header || !modified) return std::nullopt;
  const auto since = parse_http_date(trim(*header));
  if (!since) return std::nullopt;
  return std::chrono::floor<Seconds>(*modified) <= *since;
}

/// What is there is not told: who may write it need not be who may read it.
Failure failed(std::string why) { return {Error::precondition_failed, std::move(why)}; }

}  // namespace

/// The hash in base64url (RFC 4648 §5). libsodium's own takes a time that tells nothing of the bytes, which is ten times as
/// long; a tag is no secret.
ShortText entity_tag(std::string_view representation) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<unsigned char, 16> hash;
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(representation.data()),
                     representation.size(), nullptr, 0);
  std::array<char, 24> text;
  text.front() = text.back() = '"';
  char* digit = text.data() + 1;
  unsigned bits = 0;
  int count = 0;  // of bits that are not written yet
  for (const unsigned char byte : hash) {
    bits = bits << 8U | byte;
    for (count += 8; count >= 6; count -= 6) *digit++ = kDigits[bits >> (count - 6) & 63U];
  }
  *digit = kDigits[bits << (6 - count) & 63U];
  return std::string_view(text.data(), text.size());
}

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

bool names_tag(std::string_view list, std::string_view etag) noexcept {
  if (list == etag) return !list.empty();  // as a rule it is the tag that was given
  if (trim(list) == "*") return true;
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  EntityTagList tags(list);
  while (const auto tag = tags.next()) {
    if (etag.size() == tag->opaque.size() + 2 && etag.substr(1, tag->opaque.size()) == tag->opaque) return true;
  }
  return false;
}

void Preconditions::take(std::string_view name, std::string_view value) {
  if (name.size() < 8 || to_lower(name[0]) != 'i' || to_lower(name[1]) != 'f' || name[2] != '-') return;
  if (equals_ignoring_case(name, "If-None-Match")) return add_line(if_none_match_, value);
  if (equals_ignoring_case(name, "If-Match")) return add_line(if_match_, value);
  if (equals_ignoring_case(name, "If-Modified-Since")) return add_line(modified_since_, value);
  if (equals_ignoring_case(name, "If-Unmodified-Since")) return add_line(unmodified_since_, value);
}

Result<Preconditions> Preconditions::of(const Request& request) {
  Result<Preconditions> result(boost::system::in_place_value);
  Preconditions& all = *result;
  all.reads_ = request.method == Method::get || request.method == Method::head;
  if (request.headers == nullptr) return result;
  request.headers->each([&](std::string_view name, std::string_view value) { all.take(name, value); });
  if (all.if_match_ && !is_list(*all.if_match_)) {
    result = Failure(Error::bad_request, "If-Match: not a list of entity tags");
  } else if (all.if_none_match_ && !all.reads_ && !is_list(*all.if_none_match_)) {
    result = Failure(Error::bad_request, "If-None-Match: not a list of entity tags");
  }
  return result;
}

bool Preconditions::wants_none() const noexcept { return if_none_match_ && trim(*if_none_match_) == "*"; }

Result<Preconditions::Outcome> Preconditions::judge(std::string_view etag, std::optional<Timestamp> modified) const {
  if (none()) return Outcome::holds;
  if (if_match_) {
    if (!names_tag(*if_match_, etag)) {
      std::string why = "If-Match: the ETag is another one by now";
      if (has_weak(*if_match_)) why += R"(; W/"..." stands for "..." here, and for no older state)";
      return failed(std::move(why));
    }
  } else if (unmodified(unmodified_since_, modified) == false) {
    return failed("If-Unmodified-Since: it was modified since");
  }
  if (if_none_match_) {
    if (!names_tag(*if_none_match_, etag)) return Outcome::holds;
    if (reads_) return Outcome::not_modified;
    return failed(wants_none() ? "If-None-Match: there is one already" : "If-None-Match: the ETag is still one of these");
  }
  return reads_ && unmodified(modified_since_, modified) == true ? Outcome::not_modified : Outcome::holds;
}

}  // namespace nacre::http
