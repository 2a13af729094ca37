#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "mongo/bson_reader.h"
#include "mongo/bson_writer.h"

namespace nacre::mongo {
namespace {

std::string sample() {
  std::string out;
  BsonWriter bson(out);
  bson.document([&] {
    bson.string("s", "text");
    bson.int32("i", -7);
    bson.int64("l", 1LL << 60U);
    bson.real("d", 1.5);
    bson.boolean("b", true);
    bson.null("n");
    bson.date("t", Timestamp{Milliseconds{1'767'225'600'123}});
    bson.object_id("o", ObjectId{});
    bson.uuid("u", {});
    bson.document("doc", [&] { bson.array("a", [&] { bson.int32("0", 1), bson.string("1", ""); }); });
  });
  return out;
}

}  // namespace

TEST_CASE("BSON that was written is read again") {
  const std::string bson = sample();
  REQUIRE(is_valid(bson));
  CHECK(find(bson, "s")->text() == "text");
  CHECK(find(bson, "i")->integer() == -7);
  CHECK(find(bson, "l")->integer() == 1LL << 60U);
  CHECK(find(bson, "d")->real() == 1.5);
  CHECK(find(bson, "b")->is_true());
  CHECK(find(bson, "n")->type == BsonType::null);
  CHECK(find(bson, "t")->date() == Timestamp{Milliseconds{1'767'225'600'123}});
  CHECK(find(bson, "o")->value.size() == 12);
  CHECK(find(bson, "doc.a")->type == BsonType::array);
  CHECK_FALSE(find(bson, "doc.x").has_value());
  CHECK_FALSE(find(bson, "s.x").has_value());
  CHECK_FALSE(find(bson, "doc.a.0").has_value());
}

TEST_CASE("BSON that is cut short or changed in any byte is never read beyond its end") {
  const std::string bson = sample();
  for (std::size_t size = 0; size < bson.size(); ++size) CHECK_FALSE(is_valid(std::string(bson, 0, size)));
  for (std::size_t at = 0; at < bson.size(); ++at) {
    for (const int byte : {0x00, 0x01, 0x02, 0x03, 0x05, 0x0B, 0x0C, 0x0F, 0x13, 0x7F, 0x80, 0xFF}) {
      std::string changed = bson;
      changed[at] = static_cast<char>(byte);
      (void)is_valid(std::string(changed));  // AddressSanitizer judges
    }
  }
}

TEST_CASE("a number is whole where its type can hold it") {
  const auto whole = [](auto write) {
    std::string out;
    BsonWriter bson(out);
    bson.document([&] { write(bson); });
    return find(out, "n")->whole<std::int32_t>();
  };
  CHECK(whole([](BsonWriter& bson) { bson.int32("n", -7); }) == -7);
  CHECK(whole([](BsonWriter& bson) { bson.int64("n", 7); }) == 7);
  CHECK(whole([](BsonWriter& bson) { bson.real("n", 7.9); }) == 7);
  CHECK(whole([](BsonWriter& bson) { bson.real("n", 2147483647.0); }) == 2147483647);
  CHECK_FALSE(whole([](BsonWriter& bson) { bson.real("n", 2147483648.0); }));
  CHECK_FALSE(whole([](BsonWriter& bson) { bson.int64("n", 1LL << 31U); }));
  CHECK_FALSE(whole([](BsonWriter& bson) { bson.real("n", -1e300); }));
  CHECK_FALSE(whole([](BsonWriter& bson) { bson.real("n", std::numeric_limits<double>::quiet_NaN()); }));
}

TEST_CASE("BSON that nests without end is not valid") {
  std::string bson("\5\0\0\0\0", 5);
  for (int depth = 0; depth < 2 * kMaxBsonDepth; ++depth) {
    std::string outer;
    BsonWriter writer(outer);
    writer.document([&] { writer.raw("a", bson); });
    bson = outer;
    CHECK(is_valid(bson) == (depth + 2 <= kMaxBsonDepth));
  }
}

}  // namespace nacre::mongo
