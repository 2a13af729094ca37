#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/short_text.h"
#include "base/time.h"
#include "http/request.h"

namespace nacre::http {

/// The strong entity tag of a representation, with its quotes: a hash of its bytes.
///
/// A document's bytes hold its `_id`, `_rev`, `_created` and `_updated`, so no two states of one id share a tag, whatever the
/// clocks do: not a document and the one that was made after its deletion (another `_created`, or another content in the same
/// millisecond), not in a database that was emptied, not when another program changed a field and left `_rev` as it was. Only
/// the same bytes have the same tag, and then nobody is harmed: a copy is good, and who overwrites them has seen them. All
/// workers and hosts make the same tag, today and after a restart.
ShortText entity_tag(std::string_view representation);

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

/// Whether a list, or `*`, names `etag` (quotes included; RFC 9110 §13.1.1, §13.1.2). Tags compare weakly, for If-Match as
/// well: nginx's gzip turns a strong tag into a weak one, which still names the state of the document. A malformed list names
/// what came before the flaw.
bool names_tag(std::string_view list, std::string_view etag) noexcept;

/// The preconditions of a request (RFC 9110 §13.1). It owns what it compares with, since a write may outlive its request.
///
/// Lines of one name are one list. Of If-Modified-Since and If-Unmodified-Since, what is no HTTP-date, or comes more than once,
/// is ignored, as the RFC wants it. Range requests are not served, so If-Range means nothing.
class Preconditions {
 public:
  enum class Outcome : std::uint8_t { holds, not_modified };

  /// Error::bad_request where If-Match is no list of entity tags, and where If-None-Match is none, unless the request reads:
  /// then the whole answer is right for whatever was meant.
  static Result<Preconditions> of(const Request& request);

  /// Judges what is there, in the order of RFC 9110 §13.2.2. `etag` with its quotes; a representation without `modified` has no
  /// date to compare with. Error::precondition_failed says which one failed; Outcome::not_modified is for GET and HEAD alone.
  Result<Outcome> judge(std::string_view etag, std::optional<Timestamp> modified) const;

  bool none() const noexcept { return !if_match_ && !if_none_match_ && !modified_since_ && !unmodified_since_; }
  /// If-Match, which holds for nothing that is missing.
  bool wants_one() const noexcept { return if_match_.has_value(); }
  /// `If-None-Match: *`, which holds for what is missing alone.
  bool wants_none() const noexcept;

 private:
  void take(std::string_view name, std::string_view value);

  bool reads_ = false;
  std::optional<ShortText> if_match_;
  std::optional<ShortText> if_none_match_;
  std::optional<ShortText> modified_since_;
  std::optional<ShortText> unmodified_since_;
};

}  // namespace nacre::http
