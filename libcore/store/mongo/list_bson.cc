#include "store/mongo/list_bson.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "store/mongo/filter_bson.h"

namespace nacre::store::on_mongo {
namespace {

/// The types in MongoDB's order, as `$type` names them; null, and missing values, which are the same, come before them, and
/// minKey before that. Those with the same place compare with one another.
/// https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
struct TypeName {
  std::string_view name;
  int place;
};
constexpr std::array<TypeName, 15> kTypes{{{"number", 10},
                                           {"string", 15},
                                           {"symbol", 15},
                                           {"object", 20},
                                           {"array", 25},
                                           {"binData", 30},
                                           {"objectId", 35},
                                           {"bool", 40},
                                           {"date", 45},
                                           {"timestamp", 47},
                                           {"regex", 50},
                                           {"dbPointer", 55},
                                           {"javascript", 60},
                                           {"javascriptWithScope", 65},
                                           {"maxKey", 127}}};

int place_of(BsonType type) {
  switch (type) {
    case BsonType::min_key:
      return -1;
    case BsonType::undefined:
    case BsonType::null:
      return 5;
    case BsonType::string:
    case BsonType::symbol:
      return 15;
    case BsonType::document:
      return 20;
    case BsonType::array:
      return 25;
    case BsonType::binary:
      return 30;
    case BsonType::object_id:
      return 35;
    case BsonType::boolean:
      return 40;
    case BsonType::date:
      return 45;
    case BsonType::timestamp:
      return 47;
    case BsonType::regex:
      return 50;
    case BsonType::db_pointer:
      return 55;
    case BsonType::code:
      return 60;
    case BsonType::code_with_scope:
      return 65;
    case BsonType::max_key:
      return 127;
    default:
      return 10;
  }
}

bool is_null(const BsonValue& value) { return place_of(value.type) == place_of(BsonType::null); }
bool is_only_one(const BsonValue& value) { return value.type == BsonType::min_key || value.type == BsonType::max_key; }
bool is_number(const BsonValue& value) { return place_of(value.type) == place_of(BsonType::real); }

/// NaN is the least number, and in no range.
bool is_nan(const BsonValue& value) {
  if (value.type == BsonType::real) return std::isnan(value.element().real());
  if (value.type != BsonType::decimal128) return false;
  constexpr unsigned char kNan = 0x7C;
  return (static_cast<unsigned char>(value.bytes[15]) & kNan) == kNan;
}

bool covers(std::string_view outer, std::string_view path) {
  return path == outer || (path.size() > outer.size() && path.starts_with(outer) && path[outer.size()] == '.');
}

}  // namespace

Result<ListPlan> ListPlan::make(const query::ListQuery& query, const std::optional<std::string>& owner) {
  std::vector<BsonValue> after;
  for (std::size_t i = 0; i < query.after.size(); ++i) {
    auto value = parse_sort_key(query.after[i], query.sort[i].field);
    if (!value || value->type == BsonType::array) return Failure(Error::bad_request, "after: this is no cursor of this query");
    after.push_back(std::move(*value));
  }
  return ListPlan(query, owner, std::move(after));
}

ListPlan::ListPlan(const query::ListQuery& query, const std::optional<std::string>& owner, std::vector<BsonValue> after)
    : query_(query), owner_(owner), after_(std::move(after)) {
  if (after_.empty()) {
    segments_.push_back({});
  } else {
    for (std::size_t key = query.sort.size(); key-- > 0;) add_segments(key);
  }
}

/// Other programs may have written values of any type, whatever the schema says.
void ListPlan::add_segments(std::size_t key) {
  const BsonValue& after = after_[key];
  const bool descending = query_.sort[key].descending;
  const bool down_from_nan = descending && is_nan(after);
  if (after.type == BsonType::min_key && !descending) segments_.push_back({Part::least, key});
  if (!is_only_one(after) && !down_from_nan && !(is_null(after) && descending)) segments_.push_back({Part::beyond, key});
  const bool last = descending ? place_of(after.type) <= kTypes.front().place : place_of(after.type) >= kTypes.back().place;
  if (!last && (descending || !is_null(after))) segments_.push_back({Part::other_types, key});
  if (descending && after.type != BsonType::min_key) segments_.push_back({Part::least, key});
}

void ListPlan::write_filter(BsonWriter& bson, std::size_t index) const {
  const Segment& segment = segments_[index];
  if (segment.part == Part::whole) return write_whole_filter(bson);
  bson.array("$and", [&] {
    bson.document("0", [&] { write_range(bson, segment); });
    bson.document("1", [&] { write_whole_filter(bson); });
  });
}

void ListPlan::write_whole_filter(BsonWriter& bson) const {
  if (!owner_) return on_mongo::write_filter(bson, query_.where);
  bson.array("$and", [&] {
    bson.document("0", [&] { bson.document("_owner", [&] { bson.string("$eq", *owner_); }); });
    bson.document("1", [&] { on_mongo::write_filter(bson, query_.where); });
  });
}

void ListPlan::write_range(BsonWriter& bson, const Segment& segment) const {
  for (std::size_t i = 0; i < segment.key; ++i) {
    bson.document(query_.sort[i].field.path, [&] { bson.raw("$eq", after_[i].bytes, after_[i].type); });
  }
  bson.document(query_.sort[segment.key].field.path, [&] { write_key(bson, segment); });
}

void ListPlan::write_key(BsonWriter& bson, const Segment& segment) const {
  const BsonValue& after = after_[segment.key];
  const bool descending = query_.sort[segment.key].descending;
  if (segment.part == Part::least) return write_least(bson, after);
  if (segment.part == Part::beyond) {
    if (is_null(after)) {
      bson.null("$ne");
      bson.raw("$gt", {}, BsonType::min_key);
    } else if (is_nan(after)) {
      bson.real("$gte", -std::numeric_limits<double>::infinity());
    } else {
      bson.raw(descending ? "$lt" : "$gt", after.bytes, after.type);
    }
    return;
  }
  bson.array("$type", [&] {
    std::size_t index = 0;
    for (const TypeName& type : kTypes) {
      const bool behind = descending ? type.place < place_of(after.type) : type.place > place_of(after.type);
      if (behind) bson.string(IndexName(index++).view(), type.name);
    }
  });
}

/// Upwards, what comes after minKey; downwards, what comes after the least of all ranges.
void ListPlan::write_least(BsonWriter& bson, const BsonValue& after) const {
  bson.array("$in", [&] {
    std::size_t index = 0;
    const auto name = [&] { return IndexName(index++); };
    if (!is_null(after)) bson.null(name().view());
    if (after.type == BsonType::min_key) return;
    if (is_number(after) && !is_nan(after)) bson.real(name().view(), std::numeric_limits<double>::quiet_NaN());
    bson.raw(name().view(), {}, BsonType::min_key);
  });
}

void ListPlan::write_sort(BsonWriter& bson) const {
  for (const auto& key : query_.sort) bson.int32(key.field.path, key.descending ? -1 : 1);
}

void ListPlan::write_projection(BsonWriter& bson) const {
  const auto& fields = query_.fields;
  const auto covered = [&](std::string_view path) {
    return std::any_of(fields.begin(), fields.end(), [&](const std::string& field) { return covers(field, path); });
  };
  for (const std::string& field : fields) bson.int32(field, 1);
  for (const auto& key : query_.sort) {
    if (!covered(key.field.path)) bson.int32(key.field.path, 1);
  }
  if (!covered("_id")) bson.int32("_id", 1);
}

}  // namespace nacre::store::on_mongo
