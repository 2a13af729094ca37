#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.h"
#include "base/time.h"
#include "schema/schema.h"
#include "store/mongo/id.h"

/// JSON values as BSON. Values stay values: nothing in them becomes a name's path or an operator.
namespace nacre::store::on_mongo {

/// What a field's schema makes of its JSON.
struct FieldKind {
  bool date = false;     ///< a string is a date
  bool integer = false;  ///< a number has no fraction, however it was written
};

/// Where a resource's schema says `format: date-time`: strings there are dates in the store. And where it says `type: integer`.
/// Asks the schema once for each path that it is asked for.
class DateFields {
 public:
  explicit DateFields(const schema::Schema& schema) : schema_(&schema) {}

  /// `element`: the value is an element of the array at this path.
  FieldKind kind_of(const std::string& path, bool element) const;
  bool is_date(const std::string& path, bool element) const { return kind_of(path, element).date; }

 private:
  struct Known {
    FieldKind value{};
    FieldKind element{};
  };
  const schema::Schema* schema_;
  mutable std::unordered_map<std::string, Known> known_;
};

/// A moment from its text; nullopt for any text that format_rfc3339 would not give back the same.
std::optional<Timestamp> exact_date(std::string_view text);

/// One scalar. `date`: a string that is a moment's text is a date.
void write_scalar(BsonWriter& bson, std::string_view name, const Json& value, bool date);

/// The members of a document's user fields. Integers are 64 bits wide. Recurses as deep as the value.
void write_fields(BsonWriter& bson, const JsonObject& fields, const DateFields& dates);

}  // namespace nacre::store::on_mongo
