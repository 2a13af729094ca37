#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "mongo/reply.h"
#include "store/mongo/id.h"
#include "store/store.h"

/// BSON documents as the API shows them, in one pass over their bytes and without a tree.
///
/// Other programs may have written them. What JSON has no form for becomes: ObjectId 24 hex digits; a date, and a timestamp's
/// seconds, RFC 3339 (null outside of the years 0000 to 9999); decimal its text; binary base64, a UUID its text; a regular
/// expression `/pattern/options`; code and symbol their text; NaN, infinities, undefined, minKey and maxKey null; so does what
/// lies deeper than MongoDB lets documents nest. A document that lacks what the server sets has `_rev` 1, the date of its
/// ObjectId or else 1970 as `_created`, that as `_updated`, and null as `_owner`. User fields that begin with `_` are not
/// shown.
namespace nacre::store::on_mongo {

using mongo::malformed;

/// The fields of a list that names some: a tree of the names in its dotted paths.
class FieldTree {
 public:
  /// `fields` as in ListQuery; empty: all.
  explicit FieldTree(const std::vector<std::string>& fields);

  bool everything() const noexcept { return below_.empty(); }
  /// nullptr: left out.
  const FieldTree* find(std::string_view name) const noexcept;

 private:
  FieldTree() = default;

  std::string name_;
  std::vector<FieldTree> below_;  // empty: all of it
};

/// The whole document. Error::unavailable when the bytes are no BSON.
Result<Document> to_document(std::string_view bson);

/// Appends the document with its `_id` and the fields named, in the document's order. As in MongoDB, a path below an array
/// takes from each of its objects, and drops the other elements. False when the bytes are no BSON.
bool append_document(std::string& out, std::string_view bson, const FieldTree& fields);

/// Appends any one value.
bool append_value(std::string& out, const BsonElement& element);

}  // namespace nacre::store::on_mongo
