#include "store/mongo/list_bson.h"

#include <algorithm>
#include <array>
#include <span>

#include "store/mongo/filter_bson.h"

namespace nacre::store::mongo {
namespace {

/// The types in MongoDB's order, null and missing left out. Those that compare with one another are one.
constexpr std::array<std::string_view, 10> kTypes{"number",   "string", "object", "array",     "binData",
                                                  "objectId", "bool",   "date",   "timestamp", "regex"};

/// A value's type, as its place among them.
std::size_t type_of(const Json& value, const query::FieldRef& field) {
  const auto named = [](std::string_view name) {
    return static_cast<std::size_t>(std::find(kTypes.begin(), kTypes.end(), name) - kTypes.begin());
  };
  if (value.is_bool()) return named("bool");
  if (!value.is_string()) return named("number");
  if (field.field.date_time) return named("date");
  return field.path == "_id" && parse_object_id(value.get_string()) ? named("objectId") : named("string");
}

/// The types that come after a value.
std::span<const std::string_view> types_beyond(const Json& value, const query::SortKey& key) {
  const std::size_t own = type_of(value, key.field);
  return key.descending ? std::span(kTypes).first(own) : std::span(kTypes).subspan(own + 1);
}

/// Whether values of several types are to be expected. An id is a string or an ObjectId.
bool is_mixed(const query::FieldRef& field) {
  const auto has = [&](int types) { return (field.field.types & types) != 0 ? 1 : 0; };
  const int kinds = has(schema::kInteger | schema::kNumber) + has(schema::kString) + has(schema::kBoolean) +
                    has(schema::kArray | schema::kObject);
  return field.path == "_id" || kinds > 1;
}

bool covers(std::string_view outer, std::string_view path) {
  return path == outer || (path.size() > outer.size() && path.starts_with(outer) && path[outer.size()] == '.');
}

}  // namespace

ListPlan::ListPlan(const query::ListQuery& query, const std::optional<std::string>& owner) : query_(query), owner_(owner) {
  if (query.after.empty()) {
    segments_.push_back({});
  } else {
    for (std::size_t key = query.sort.size(); key-- > 0;) add_segments(key);
  }
}

/// Missing and null come before all else.
void ListPlan::add_segments(std::size_t key) {
  const query::SortKey& sorted = query_.sort[key];
  const bool null = query_.after[key].is_null();
  if (null && sorted.descending) return;
  segments_.push_back({Part::beyond, key});
  if (null) return;
  if (is_mixed(sorted.field) && !types_beyond(query_.after[key], sorted).empty()) segments_.push_back({Part::other_types, key});
  if (sorted.descending && sorted.field.path != "_id") segments_.push_back({Part::missing, key});
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
  if (!owner_) return nacre::store::mongo::write_filter(bson, query_.where);
  bson.array("$and", [&] {
    bson.document("0", [&] { bson.document("_owner", [&] { bson.string("$eq", *owner_); }); });
    bson.document("1", [&] { nacre::store::mongo::write_filter(bson, query_.where); });
  });
}

void ListPlan::write_range(BsonWriter& bson, const Segment& segment) const {
  for (std::size_t i = 0; i < segment.key; ++i) {
    const auto& field = query_.sort[i].field;
    bson.document(field.path, [&] { write_operand(bson, "$eq", query_.after[i], field); });
  }
  bson.document(query_.sort[segment.key].field.path, [&] { write_key(bson, segment); });
}

void ListPlan::write_key(BsonWriter& bson, const Segment& segment) const {
  const query::SortKey& key = query_.sort[segment.key];
  const Json& after = query_.after[segment.key];
  if (segment.part == Part::missing) return bson.null("$eq");
  if (segment.part == Part::beyond) {
    if (after.is_null()) return bson.null("$ne");
    return write_operand(bson, key.descending ? "$lt" : "$gt", after, key.field);
  }
  bson.array("$type", [&] {
    std::size_t index = 0;
    for (const std::string_view type : types_beyond(after, key)) bson.string(IndexName(index++).view(), type);
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

}  // namespace nacre::store::mongo
