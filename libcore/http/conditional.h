#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "http/request.h"
#include "http/response.h"
#include "store/store.h"

namespace nacre::http {

/// One entity tag out of a list, or the end of it.
struct EntityTag {
  bool weak = false;
  std::string_view opaque;  ///< between the quotes
};

/// Reads a list of entity tags (RFC 9110 §8.8.3) one by one, without copying.
class EntityTagList {
 public:
  explicit EntityTagList(std::string_view text) noexcept : rest_(text) {}
  /// The next tag; nullopt at the end of the list, or where it is malformed (`malformed` tells which).
  std::optional<EntityTag> next() noexcept;
  bool malformed() const noexcept { return malformed_; }

 private:
  std::string_view rest_;
  bool malformed_ = false;
};

/// If-None-Match of a GET: true when the client's copy with this `etag` (quotes included) is still good. `*` matches any; tags
/// compare weakly (RFC 9110 §13.1.2). A malformed list matches what came before the flaw.
bool matches_if_none_match(std::string_view header, std::string_view etag) noexcept;

/// True when a GET or HEAD that would get this response is to be answered with 304: If-None-Match, else If-Modified-Since
/// (RFC 9110 §13.2.2).
bool not_modified(const Request& request, std::string_view etag, std::optional<Timestamp> last_modified) noexcept;

/// If-Match of a PUT, PATCH or DELETE as revisions: tags compare strongly, and a tag that is not a revision matches nothing
/// (RFC 9110 §13.1.1). Error::bad_request for a malformed list.
Result<store::Precondition> parse_if_match(const Request& request);

}  // namespace nacre::http
