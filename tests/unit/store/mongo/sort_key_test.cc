#include "store/mongo/sort_key.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "store/mongo/bson_of.h"

namespace nacre::store::on_mongo {
namespace {

const query::FieldRef kText{.path = "a.b", .field = {.types = schema::kString}};
const query::FieldRef kId{.path = "_id", .field = {.types = schema::kString}, .built_in = true};
const query::FieldRef kMoment{.path = "due", .field = {.types = schema::kString, .date_time = true}};

/// The key of the only element of a document, which is read back as it was.
Json key_of(const std::string& document, const query::FieldRef& field) {
  const auto key = sort_key(document, field);
  REQUIRE(key.has_value());
  const auto element = nacre::mongo::find(document, field.path);
  const auto back = parse_sort_key(*key, field);
  REQUIRE(back.has_value());
  if (element && element->type != BsonType::int32) CHECK(back->type == element->type);
  if (element && element->type != BsonType::int32) CHECK(back->bytes == element->value);
  return *key;
}

}  // namespace

TEST_CASE("a sort key is its JSON where that says it all") {
  const auto below = [](auto write) { return bson_of([&](BsonWriter& bson) { bson.document("a", [&] { write(bson); }); }); };
  CHECK(key_of(below([](BsonWriter& bson) { bson.int64("b", 7); }), kText) == Json(7));
  CHECK(key_of(below([](BsonWriter& bson) { bson.int32("b", 7); }), kText) == Json(7));
  CHECK(key_of(below([](BsonWriter& bson) { bson.real("b", 1.5); }), kText) == Json(1.5));
  CHECK(key_of(below([](BsonWriter& bson) { bson.boolean("b", true); }), kText) == Json(true));
  CHECK(key_of(below([](BsonWriter& bson) { bson.string("b", "x"); }), kText) == Json("x"));
  CHECK(key_of(below([](BsonWriter&) {}), kText).is_null());
  CHECK(key_of(bson_of([](BsonWriter& bson) { bson.string("_id", "x"); }), kId) == Json("x"));
  CHECK(key_of(bson_of([](BsonWriter& bson) { bson.object_id("_id", {}); }), kId) == Json(std::string(24, '0')));
  CHECK(key_of(bson_of([](BsonWriter& bson) { bson.date("due", Timestamp{}); }), kMoment) == Json("1970-01-01T00:00:00.000Z"));
}

TEST_CASE("a sort key is kept by type and bytes where JSON would take it for another") {
  const auto is_kept = [](const Json& key) { return key.is_object() && key.get_object().contains("bytes"); };
  const auto below = [](auto write) { return bson_of([&](BsonWriter& bson) { bson.document("a", [&] { write(bson); }); }); };
  CHECK(is_kept(key_of(below([](BsonWriter& bson) { bson.real("b", std::numeric_limits<double>::quiet_NaN()); }), kText)));
  CHECK(is_kept(key_of(below([](BsonWriter& bson) { bson.object_id("b", {}); }), kText)));
  CHECK(is_kept(key_of(below([](BsonWriter& bson) { bson.date("b", Timestamp{}); }), kText)));
  CHECK(is_kept(key_of(below([](BsonWriter& bson) { bson.string("b", "\xFF"); }), kText)));
  CHECK(is_kept(key_of(bson_of([](BsonWriter& bson) { bson.string("due", "1970-01-01T00:00:00.000Z"); }), kMoment)));
  const Json text = key_of(bson_of([](BsonWriter& bson) { bson.string("_id", std::string(24, '0')); }), kId);
  CHECK(text.at("shown") == Json(std::string(24, '0')));
  CHECK(key_of(bson_of([](BsonWriter& bson) { bson.int64("_id", 7); }), kId).at("shown") == Json("7"));
}

TEST_CASE("an array is no sort key") {
  const std::string array =
      bson_of([](BsonWriter& bson) { bson.array("a", [&] { bson.document("0", [&] { bson.int64("b", 1); }); }); });
  CHECK(sort_key(array, kText).error().error == Error::bad_request);
}

TEST_CASE("a sort key that no store gave is refused") {
  for (const char* const key :
       {R"({})", R"({"type":1})", R"({"type":1,"bytes":"00"})", R"({"type":1,"bytes":"0g"})", R"({"type":300,"bytes":""})",
        R"({"type":2,"bytes":"ff000000"})", R"({"type":3,"bytes":"0500000001"})", R"({"type":8,"bytes":"0108"})"}) {
    CHECK_FALSE(parse_sort_key(boost::json::parse(key), kText).has_value());
  }
}

}  // namespace nacre::store::on_mongo
