#include "store/mongo/merge.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "json/parse.h"
#include "query/example.h"
#include "store/mongo/bson_of.h"
#include "store/mongo/to_json.h"
#include "store/random.h"

namespace nacre::store::on_mongo {
namespace {

/// The user's fields of a document as the API shows them.
JsonObject shown_fields(std::string_view bson) {
  Json shown = *parse_json(to_document(bson)->json);
  for (const char* const name : {"_id", "_rev", "_created", "_updated", "_owner"}) shown.get_object().stable_erase(name);
  return std::move(shown.get_object());
}

/// What a driver might have written.
void write_foreign(BsonWriter& bson, std::int32_t number) {
  bson.int32("number", number);
  bson.object_id("reference", {1, 2, 3});
  bson.real("nothing", std::numeric_limits<double>::quiet_NaN());
  bson.real("whole", 5.0);
  bson.date("when", Timestamp{});
}

const DateFields& dates() {
  static const config::Resource resource = query::example_resource();
  static const DateFields dates(resource.schema);
  return dates;
}

}  // namespace

TEST_CASE("fields that are shown as before keep their bytes") {
  const std::string stored = bson_of([](BsonWriter& bson) {
    write_foreign(bson, 1);
    bson.document("below", [&] { write_foreign(bson, 2); });
    bson.array("items", [&] {
      for (std::int32_t i = 0; i < 3; ++i)
        bson.document(IndexName(static_cast<std::size_t>(i)).view(), [&] { write_foreign(bson, i); });
    });
    bson.string("due", "2026-01-02T03:04:05+01:00");
  });
  const JsonObject fields = shown_fields(stored);
  CHECK(merged_fields(fields, dates(), stored) == stored);
  const Changes none = changed_fields(fields, dates(), stored);
  CHECK(none.fields == bson_of([](BsonWriter&) {}));
  CHECK(none.gone.empty());
}

TEST_CASE("a change of a field writes that field alone") {
  const std::string stored = bson_of([](BsonWriter& bson) {
    bson.string("_hidden", "x");
    bson.string("title", "a");
    bson.document("below", [&] { write_foreign(bson, 2); });
    bson.object_id("reference", {});
  });
  JsonObject fields = shown_fields(stored);
  fields["below"].get_object()["number"] = 3;
  fields.stable_erase("reference");
  const Changes changes = changed_fields(fields, dates(), stored);
  CHECK(changes.gone == std::vector<std::string>{"reference"});
  CHECK(changes.fields == bson_of([](BsonWriter& bson) {
          bson.document("below", [&] {
            bson.int64("number", 3);
            bson.object_id("reference", {1, 2, 3});
            bson.real("nothing", std::numeric_limits<double>::quiet_NaN());
            bson.real("whole", 5.0);
            bson.date("when", Timestamp{});
          });
        }));
}

TEST_CASE("elements of an array keep their bytes wherever they go") {
  const auto list = [](std::initializer_list<std::int32_t> numbers) {
    return bson_of([&](BsonWriter& bson) {
      bson.array("items", [&] {
        std::size_t index = 0;
        for (const std::int32_t number : numbers)
          bson.document(IndexName(index++).view(), [&] { write_foreign(bson, number); });
      });
    });
  };
  const std::string stored = list({1, 2, 3, 4});
  const auto reordered = [&](std::initializer_list<std::size_t> places) {
    const JsonObject fields = shown_fields(stored);
    JsonArray items;
    for (const std::size_t place : places) items.push_back(fields.at("items").at(place));
    return merged_fields({{"items", std::move(items)}}, dates(), stored);
  };
  CHECK(reordered({1, 2, 3}) == list({2, 3, 4}));
  CHECK(reordered({3, 2, 1, 0}) == list({4, 3, 2, 1}));
  CHECK(reordered({0, 2, 0, 0, 3}) == list({1, 3, 1, 1, 4}));
  CHECK(reordered({}) == list({}));
}

TEST_CASE("what a client writes anew has the type that its JSON has") {
  const std::string stored = bson_of([](BsonWriter& bson) {
    bson.object_id("reference", {});
    bson.array("references", [&] { bson.object_id("0", {}); });
  });
  const std::string hex(24, '0');
  const std::string merged =
      merged_fields({{"title", hex}, {"reference", "x"}, {"references", JsonArray{"x", Json(hex)}}}, dates(), stored);
  CHECK(merged == bson_of([&](BsonWriter& bson) {
          bson.string("title", hex);
          bson.string("reference", "x");
          bson.array("references", [&] {
            bson.string("0", "x");
            bson.object_id("1", {});
          });
        }));
}

TEST_CASE("fields of Nacre's own documents are written as if there were none") {
  Random random(7);
  for (int i = 0; i < 200; ++i) {
    const JsonObject fields = random.document();
    const std::string plain = bson_of([&](BsonWriter& bson) { write_fields(bson, fields, dates()); });
    const std::string other = bson_of([&](BsonWriter& bson) { write_fields(bson, random.document(), dates()); });
    CHECK(merged_fields(fields, dates(), other) == plain);
    CHECK(merged_fields(fields, dates(), plain) == plain);
  }
}

TEST_CASE("an id has the types that other programs give it") {
  const auto types = [](std::string_view id) {
    std::vector<BsonType> types;
    for (const ForeignId& other : foreign_ids(id)) {
      const std::string bson = bson_of([&](BsonWriter& out) { other.write(out, "_id"); });
      types.push_back(nacre::mongo::find(bson, "_id")->type);
    }
    return types;
  };
  CHECK(types("a").empty());
  CHECK(types("0123456789abcdef01234567") == std::vector{BsonType::string});
  CHECK(types("123456789012345678901234") == std::vector{BsonType::string});
  CHECK(types("-7") == std::vector{BsonType::int64});
  CHECK(types("07").empty());
  CHECK(types("01234567-89ab-cdef-0123-456789abcdef") == std::vector{BsonType::binary});
  CHECK(types("01234567-89ab-cdef-0123-456789abcdeg").empty());
}

}  // namespace nacre::store::on_mongo
