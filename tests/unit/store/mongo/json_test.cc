#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "json/parse.h"
#include "mongo/bson_reader.h"
#include "query/example.h"
#include "store/mongo/bson_of.h"
#include "store/mongo/to_bson.h"
#include "store/mongo/to_json.h"
#include "store/random.h"

namespace nacre::store::on_mongo {
namespace {

std::string shown(std::string_view bson, const std::vector<std::string>& fields = {}) {
  std::string out;
  REQUIRE(append_document(out, bson, FieldTree(fields)));
  return out;
}

}  // namespace

TEST_CASE("fields become BSON and JSON again without a change") {
  const config::Resource resource = query::example_resource();
  const DateFields dates(resource.schema);
  Random random(3);
  for (int i = 0; i < 500; ++i) {
    const JsonObject fields = random.document();
    const std::string bson = bson_of([&](BsonWriter& out) {
      out.string("_id", "x");
      write_fields(out, fields, dates);
    });
    REQUIRE(nacre::mongo::is_valid(bson));
    std::string text;
    append_json(text, fields);
    CHECK(shown(bson) == R"({"_id":"x","_rev":1,"_created":"1970-01-01T00:00:00.000Z",)"
                         R"("_updated":"1970-01-01T00:00:00.000Z","_owner":null)" +
                             (fields.empty() ? "}" : "," + text.substr(1)));
  }
}

TEST_CASE("strings are dates where the schema says so, and nowhere else") {
  const config::Resource resource = query::example_resource();
  const DateFields dates(resource.schema);
  const std::string bson = bson_of([&](BsonWriter& out) {
    write_fields(out,
                 parse_json(R"({"due":"2026-01-01T00:00:00.001Z","title":"2026-01-01T00:00:00.001Z",
      "dates":["2026-01-01T00:00:00.001Z","2026-01-01"],"anything":{"due":"2026-01-01T00:00:00.001Z"}})")
                     ->get_object(),
                 dates);
  });
  CHECK(nacre::mongo::find(bson, "due")->type == BsonType::date);
  CHECK(nacre::mongo::find(bson, "title")->type == BsonType::string);
  CHECK(nacre::mongo::find(bson, "anything.due")->type == BsonType::string);
  BsonReader reader(nacre::mongo::find(bson, "dates")->document());
  BsonElement element;
  REQUIRE(reader.next(element));
  CHECK(element.type == BsonType::date);
  REQUIRE(reader.next(element));
  CHECK(element.type == BsonType::string);
}

TEST_CASE("what other programs write is shown as well as JSON can") {
  std::string out;
  BsonWriter bson(out);
  const std::size_t start = bson.begin();
  bson.real("nan", std::numeric_limits<double>::quiet_NaN());
  bson.int32("_rev", 4);
  bson.int32("small", 5);
  bson.date("far", Timestamp{Milliseconds{1LL << 60U}});
  bson.object_id("_id", *parse_object_id("65937a00aabbccddeeff0011"));
  bson.uuid("uuid", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  out.append(
      "\x05"
      "bin\0\x02\0\0\0\0\xFF\xFE",
      12);
  out.append(
      "\x0B"
      "re\0a\"b\0i\0",
      10);
  out.append(
      "\x11"
      "ts\0\x01\0\0\0\x00\x7A\x93\x65",
      12);
  out.append(
      "\x13"
      "dec\0\x0F\0\0\0\0\0\0\0\0\0\0\0\0\0\x3E\x30",
      21);
  out.append(
      "\xFF"
      "min\0",
      5);
  bson.string("_hidden", "x");
  bson.string("bad", "\xFF");
  bson.end(start);
  CHECK(
      shown(out) ==
      R"({"_id":"65937a00aabbccddeeff0011","_rev":4,"_created":"2024-01-02T02:50:40.000Z","_updated":"2024-01-02T02:50:40.000Z",)"
      R"("_owner":null,"nan":null,"small":5,"far":null,"uuid":"01020304-0506-0708-090a-0b0c0d0e0f10","bin":"//4=",)"
      R"("re":"/a\"b/i","ts":"2024-01-02T02:50:40.000Z","dec":"1.5","min":null,"bad":"�"})");
  CHECK(to_document(out)->rev == 4);
  CHECK_FALSE(to_document("\x05").has_value());
  CHECK_FALSE(to_document(std::string("\x0B\0\0\0\x02"
                                      "a\0\xFF\0\0\0",
                                      11))
                  .has_value());
}

TEST_CASE("24 lower-case hex digits are an ObjectId") {
  CHECK(parse_object_id("0123456789abcdef01234567").has_value());
  for (const char* text :
       {"", "0123456789ABCDEF01234567", "0123456789abcdef0123456", "0123456789abcdef012345678", "g123456789abcdef01234567"})
    CHECK_FALSE(parse_object_id(text).has_value());
}

}  // namespace nacre::store::on_mongo
