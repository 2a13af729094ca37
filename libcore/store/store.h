#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "config/config.h"
#include "query/list_query.h"

namespace nacre::store {

/// A document as the API shows it. What is only passed on stays text.
struct Document {
  std::string json;  ///< the whole of it: {"_id":…,"_rev":…,"_created":…,"_updated":…,"_owner":…, then the user's fields}
  std::int64_t rev = 0;
  Timestamp updated;
};

/// What a document is to hold: the user's fields only, validated and normalized.
struct Fields {
  Fields(JsonObject v, std::string t = {}) : values(std::move(v)), text(std::move(t)) {}  // NOLINT: an object is fields
  JsonObject values;
  std::string text;  ///< `values` as append_json writes them, where that is done already; else empty
  /// They are those of the document that the write's precondition is for, with changes: what is the same needs no writing. Else
  /// they take the place of all that is shown of the document.
  bool patched = false;
};

/// A document to be inserted. `fields` holds the user's fields only, validated and normalized.
struct NewDocument {
  std::string id;
  JsonObject fields;
  Timestamp created;
  std::optional<std::string> owner{};
  std::string text{};  ///< `fields` as append_json writes them, where that is done already; else empty
};

/// A page whose items take more has no further ones, however many were asked for: the next page goes on.
inline constexpr std::size_t kMaxPageBytes = 4UL << 20U;

struct Page {
  std::string items;  ///< a JSON array
  std::size_t size = 0;
  std::vector<Json> next;  ///< sort keys of the last document, when there are more; else empty
  std::optional<std::uint64_t> total;
};

/// What an update or a deletion asks of the document that it finds, decided inside the database operation.
struct Precondition {
  std::optional<std::string> owner{};  ///< only a document of this owner; another's is not found
  /// Looks at the document that is there: a failure is the write's answer, and nothing is written. Empty: any document will do.
  /// Called on any thread, again when somebody else wrote in between, and perhaps when nobody waits for the write any more: it
  /// owns what it compares with.
  std::function<Result<void>(const Document& current)> judge{};
};

/// A value that is remembered for a time, in the same transaction as the write that it goes with. The first one stays: where
/// there is one for the key that has not expired, the whole write fails with Error::remembered, and nothing is written.
struct Remember {
  static constexpr std::chrono::hours kLongest{24};

  std::string key;
  std::string value;
  Timestamp now;
  Timestamp expires;  ///< from now at most kLongest
};

/// Told, when a write has ended, of the documents that it changed or may have changed: before it is answered, and also when
/// nobody waits for the answer any more. Not told of a write that was refused or not begun. On a fiber of the store's, where it
/// may wait; one that is cancelled at the store's end.
using Written = std::function<void(std::string_view resource, std::span<const std::string_view> ids)>;

/// What one worker does for all.
inline constexpr std::string_view kUniqueIndexes = "unique indexes";
inline constexpr std::string_view kOtherIndexes = "other indexes";
inline constexpr std::array<std::string_view, 2> kTurns{kUniqueIndexes, kOtherIndexes};

/// The right to do one of kTurns: `take` gives it to one worker, until it calls `give_back`, has died, or has taken a minute. A
/// worker has one of them at a time. On the loop.
struct Turn {
  std::function<bool(std::string_view what)> take{};
  std::function<void()> give_back{};
};

/// Connections of a store that is a server.
struct PoolUsage {
  std::size_t idle = 0;        ///< open, without a command under way
  std::size_t busy = 0;        ///< open
  std::size_t connecting = 0;  ///< or about to
};

/// A document store. Calls run on fibers: they wait without blocking the loop, within the fiber's deadline and
/// `timeouts.store`. Errors that any call may give: deadline, cancelled, overloaded, unavailable.
/// A write whose fiber stopped waiting still ends one way or the other: done whole, or not begun. A resource must be one of
/// those given to `prepare`; nothing of it is looked at after the call.
class Store {
 public:
  virtual ~Store() = default;

  /// Error::not_found. `owner`: only a document of this owner.
  virtual Result<Document> find_one(const config::Resource& resource, std::string_view id,
                                    const std::optional<std::string>& owner) = 0;

  /// The same, of all writes that were acknowledged before, where `find_one` may be late: what a change is made from.
  virtual Result<Document> find_newest(const config::Resource& resource, std::string_view id,
                                       const std::optional<std::string>& owner) {
    return find_one(resource, id, owner);
  }

  /// One page in key order. `owner` limits it to one owner's documents.
  virtual Result<Page> find(const config::Resource& resource, const query::ListQuery& query,
                            const std::optional<std::string>& owner) = 0;

  /// All or none. Error::conflict: errors[0].pointer is "/_id" or the first key of the unique index ("/slug"), and of several
  /// documents begins with the place of the one in the way ("/3/slug"). What is stored then is what `render` gives.
  virtual Result<void> insert(const config::Resource& resource, std::vector<NewDocument> documents,
                              const std::optional<Remember>& remember) = 0;

  /// Replaces the user's fields, counts `_rev` up, keeps `_created` and `_owner`, and what the store has and can't show.
  /// Error::not_found, Error::conflict, and what the precondition gives.
  virtual Result<Document> replace(const config::Resource& resource, std::string_view id, Fields fields, Timestamp updated,
                                   const Precondition& precondition) = 0;

  /// Error::not_found, and what the precondition gives.
  virtual Result<void> erase(const config::Resource& resource, std::string_view id, const Precondition& precondition) = 0;

  /// A remembered value that has not expired, else nullopt.
  virtual Result<std::optional<std::string>> recall(std::string_view key, Timestamp now) = 0;
  /// Remembers outside any other write.
  virtual Result<void> remember(const Remember& value) = 0;

  /// Says which resources there are, before any other call, and begins to create what they need (tables, indexes). At worker
  /// start, on the main stack: it does not wait. Until it is done, other calls wait or are unavailable.
  virtual void prepare(std::span<const config::Resource> resources) = 0;

  /// Whether the store can be read.
  virtual Result<void> ping() = 0;

  /// What keeps resources from being served as configured, though the store can be read: a sentence each, for operators.
  virtual std::vector<std::string> troubles() const { return {}; }

  /// This worker's connections; nullopt for a store that has none.
  virtual std::optional<PoolUsage> pool() const { return std::nullopt; }
};

}  // namespace nacre::store
