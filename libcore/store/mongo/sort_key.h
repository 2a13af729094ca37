#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "query/list_query.h"
#include "store/mongo/to_bson.h"

/// The values of a sort's keys, as a cursor keeps them from one page to the next. What comes back from its JSON the same is
/// kept as that (`7`, `"x"`, an ObjectId's digits as `_id`); all else, which other programs may have written, as an object of
/// its type and its bytes: `{"type":19,"bytes":"…"}`, and for an `_id` what is shown of it (`shown`).
namespace nacre::store::on_mongo {

/// The value that a document is sorted by; null where there is none. Error::bad_request for an array, which stands at several
/// places of an order, and for what no cursor has room for.
Result<Json> sort_key(std::string_view document, const query::FieldRef& field);

/// A value as BSON has it.
struct BsonValue {
  BsonType type = BsonType::null;
  std::string bytes;

  BsonElement element() const noexcept { return {type, {}, bytes}; }
};

/// nullopt for an object that sort_key never gives.
std::optional<BsonValue> parse_sort_key(const Json& key, const query::FieldRef& field);

}  // namespace nacre::store::on_mongo
