#include "query/list_query.h"

#include <doctest/doctest.h>

#include <limits>

#include "query/example.h"
#include "query/parameters.h"

namespace nacre::query {
namespace {

const config::Resource& things() {
  static const config::Resource resource = example_resource();
  return resource;
}

ListQuery parsed(std::string_view raw) {
  auto query = parse_list_query(raw, things());
  REQUIRE_MESSAGE(query.has_value(), raw << " gave " << (query ? "" : query.error().detail));
  return *query;
}

std::string refused(std::string_view raw) {
  auto query = parse_list_query(raw, things());
  REQUIRE_MESSAGE(!query.has_value(), raw);
  CHECK(query.error().error == Error::bad_request);
  return query.error().detail;
}

std::string keys_of(const ListQuery& query) {
  std::string text;
  for (const auto& key : query.sort) text += (key.descending ? "-" : "+") + key.field.path;
  return text;
}

}  // namespace

TEST_CASE("without parameters a list is the first page by _id") {
  const ListQuery query = parsed("");
  CHECK(query.where.kind == Filter::Kind::everything);
  CHECK(keys_of(query) == "+_id");
  CHECK(query.fields.empty());
  CHECK(query.limit == 25);
  CHECK(query.after.empty());
  CHECK_FALSE(query.count);
}

TEST_CASE("all parameters are taken") {
  const ListQuery query =
      parsed("where=%7B%22stars%22%3A+5%7D&sort=-stars,title&fields=title,author.name&limit=100&count=true");
  CHECK(query.where.kind == Filter::Kind::eq);
  CHECK(keys_of(query) == "-stars+title+_id");
  CHECK(query.fields == std::vector<std::string>{"_id", "author.name", "title"});
  CHECK(query.limit == 100);
  CHECK(query.count);
}

TEST_CASE("_id ends the order and goes the way of the key before it") {
  CHECK(keys_of(parsed("sort=-stars")) == "-stars-_id");
  CHECK(keys_of(parsed("sort=-_id")) == "-_id");
  CHECK(keys_of(parsed("sort=stars,_id,title")) == "+stars+_id");
}

TEST_CASE("what has no order can't be sorted by") {
  for (const char* raw : {"sort=tags", "sort=items.n", "sort=author", "sort=anything", "sort=flag", "sort=nope",
                          "sort=", "sort=stars,", "sort=--stars", "sort=stars,stars", "sort=stars,-stars", "sort=+stars"}) {
    CAPTURE(raw);
    CHECK(refused(raw).starts_with("sort: "));
  }
  CHECK(keys_of(parsed("sort=grade,pinned,due,author.name,_created")) == "+grade+pinned+due+author.name+_created+_id");
}

TEST_CASE("a sort has at most eight keys") {
  parsed("sort=title,stars,price,pinned,due,grade,author.name,author.age");
  CHECK(refused("sort=title,stars,price,pinned,due,grade,author.name,author.age,_rev") == "sort: at most 8 keys are allowed");
}

TEST_CASE("fields are a set, and one that another holds is left out") {
  CHECK(parsed("fields=title,title,author,author.name").fields == std::vector<std::string>{"_id", "author", "title"});
  CHECK(parsed("fields=_id").fields == std::vector<std::string>{"_id"});
  CHECK(refused("fields=nope") == "fields: there is no field \"nope\"");
  refused("fields=");
}

TEST_CASE("a limit outside of what the resource allows is refused") {
  for (const char* raw :
       {"limit=0", "limit=101", "limit=-1", "limit=", "limit=5x", "limit=1.5", "limit=99999999999999999999", "limit=+5"}) {
    CAPTURE(raw);
    CHECK(refused(raw) == "limit: must be an integer from 1 to 100");
  }
}

TEST_CASE("unknown, repeated and malformed parameters are refused") {
  CHECK(refused("page=2").starts_with("page: no such parameter"));
  CHECK(refused("limit=1&limit=1") == "limit: this parameter comes twice");
  CHECK(refused("count=1") == "count: must be true or false");
  CHECK(refused("limit=%") == "limit: not percent-encoded UTF-8");
  CHECK(refused("limit=%4") == "limit: not percent-encoded UTF-8");
  CHECK(refused("limit=%zz") == "limit: not percent-encoded UTF-8");
  CHECK(refused("where=%ff") == "where: not percent-encoded UTF-8");
  CHECK(refused("where=%c0%80") == "where: not percent-encoded UTF-8");
  CHECK(refused("%ff=1") == "the query string is not percent-encoded UTF-8");
  CHECK(refused("where=x").starts_with("where: "));
  CHECK(refused("where").starts_with("where: "));
  CHECK(refused("after=") == "after: this is no cursor");
}

TEST_CASE("names and values are percent-decoded, and a plus is a space") {
  const auto parameters = parse_parameters("&a%62=x+y%2Bz%C3%A9&&c&d=1=2&");
  REQUIRE(parameters.has_value());
  CHECK(*parameters == std::vector<std::pair<std::string, std::string>>{{"ab", "x y+z\xC3\xA9"}, {"c", ""}, {"d", "1=2"}});
}

TEST_CASE("parameters in any order ask for the same") {
  const std::string a = parsed("sort=-stars&where={\"stars\":1}&fields=title,stars").shape;
  CHECK(a == parsed("fields=stars,title&where={%22stars%22:+1}&limit=5&count=true&sort=-stars,-_id").shape);
  CHECK(a != parsed("fields=stars,title&where={\"stars\":1}&sort=stars").shape);
  CHECK(a != parsed("fields=stars,title&where={\"stars\":2}&sort=-stars").shape);
  CHECK(a != parsed("fields=stars&where={\"stars\":1}&sort=-stars").shape);
}

TEST_CASE("a cursor gives back what it was made of") {
  const ListQuery query = parsed("sort=title,price,-stars,pinned,grade,_created,_rev");
  const std::vector<Json> keys{"é\"\\\n",
                               0.1 + 0.2,
                               std::numeric_limits<std::int64_t>::min(),
                               true,
                               nullptr,
                               "2026-01-02T03:04:05.006Z",
                               7,
                               "0123456789abcdef01234567"};
  const std::string cursor = encode_cursor("things", query, keys);
  const auto decoded = decode_cursor(cursor, "things", query);
  REQUIRE(decoded.has_value());
  CHECK(*decoded == keys);
  CHECK(parsed("sort=title,price,-stars,pinned,grade,_created,_rev&after=" + cursor).after == keys);
}

TEST_CASE("texts that would make a cursor too long are taken from the document that it names") {
  const ListQuery query = parsed("sort=author.name,stars,title");
  const std::string long_text(20'000, 'x');
  const std::vector<Json> keys{Json(long_text), 5, "short", "id"};
  const std::string cursor = encode_cursor("things", query, keys);
  CHECK(cursor.size() < 200);
  ListQuery next = parsed("sort=author.name,stars,title&after=" + cursor);
  CHECK_FALSE(is_complete(next));
  const JsonObject author{{"name", Json(long_text)}};
  for (const Json& other :
       {Json(JsonObject{{"author", JsonObject{{"name", Json(long_text + "y")}}}}), Json(JsonObject{{"author", 1}}),
        Json(JsonObject{{"author", JsonObject{{"name", 5}}}}), Json(nullptr)}) {
    const auto failed = complete(next, other);
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().error == Error::bad_request);
  }
  REQUIRE(complete(next, JsonObject{{"author", author}}).has_value());
  CHECK(is_complete(next));
  CHECK(next.after == keys);
}

TEST_CASE("a cursor carries as much text as an index may have") {
  const ListQuery query = parsed("sort=title,author.name");
  const std::vector<Json> keys{Json(std::string(2'000, 'x')), Json(std::string(2'000, 'y')), Json(std::string(64, 'i'))};
  const std::string cursor = encode_cursor("things", query, keys);
  CHECK(cursor.size() < kLongestCursor);
  CHECK(is_complete(parsed("sort=title,author.name&after=" + cursor)));
}

TEST_CASE("a cursor of another resource or query is refused") {
  const ListQuery query = parsed("sort=stars");
  const std::string cursor = encode_cursor("things", query, {5, "x"});
  CHECK(decode_cursor(cursor, "things", query).has_value());
  CHECK_FALSE(decode_cursor(cursor, "thing", query).has_value());
  for (const char* raw :
       {"sort=-stars&after=", "after=", "sort=stars&where={\"stars\":1}&after=", "sort=stars&fields=title&after="}) {
    CAPTURE(raw);
    CHECK(refused(raw + cursor).starts_with("after: "));
  }
}

TEST_CASE("a damaged cursor is refused, whatever byte is wrong") {
  const ListQuery query = parsed("sort=stars");
  const std::string cursor = encode_cursor("things", query, {5, "abc???"});
  REQUIRE(cursor.find('_') != std::string::npos);  // of all digits the one that libsodium 1.0.18 takes other bytes for
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    CHECK_FALSE(decode_cursor(cursor.substr(0, i), "things", query).has_value());
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::string damaged = cursor;
      damaged[i] = static_cast<char>(byte);
      CAPTURE(damaged);
      CHECK(decode_cursor(damaged, "things", query).has_value() == (damaged == cursor));
    }
  }
  CHECK_FALSE(decode_cursor(cursor + "A", "things", query).has_value());
  CHECK_FALSE(decode_cursor(cursor + "=", "things", query).has_value());
}

TEST_CASE("a cursor holds values that its keys can have") {
  const ListQuery query = parsed("sort=_created,_rev");
  CHECK(decode_cursor(encode_cursor("things", query, {"2026-01-02T03:04:05.006Z", 1, "x"}), "things", query).has_value());
  const std::vector<std::vector<Json>> wrong{{"yesterday", 1, "x"},
                                             {"2026-01-02T03:04:05.006Z", "1", "x"},
                                             {"2026-01-02T03:04:05.006Z", 1, nullptr},
                                             {"2026-01-02T03:04:05.006Z", 1, 5},
                                             {"2026-01-02T03:04:05.006Z", 1, JsonArray{}},
                                             {"2026-01-02T03:04:05.006Z", 1},
                                             {}};
  for (const auto& keys : wrong) {
    CHECK_FALSE(decode_cursor(encode_cursor("things", query, keys), "things", query).has_value());
  }
}

}  // namespace nacre::query
