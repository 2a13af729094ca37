#include "query/filter.h"

#include <doctest/doctest.h>

#include <string>

#include "query/example.h"

namespace nacre::query {
namespace {

using Kind = Filter::Kind;

const config::Resource& things() {
  static const config::Resource resource = example_resource();
  return resource;
}

Filter parsed(std::string_view text) {
  auto filter = parse_filter(text, things().schema);
  REQUIRE_MESSAGE(filter.has_value(), text << " gave " << (filter ? "" : filter.error().detail));
  return *filter;
}

std::string refused(std::string_view text) {
  auto filter = parse_filter(text, things().schema);
  REQUIRE_MESSAGE(!filter.has_value(), text);
  CHECK(filter.error().error == Error::bad_request);
  return filter.error().detail;
}

std::string nested(int depth, const std::string& inner) {
  std::string text = inner;
  for (int i = 0; i < depth; ++i) text.insert(0, R"({"$and":[)").append(R"(,{"stars":1}]})");
  return text;
}

}  // namespace

TEST_CASE("an empty object is no condition") { CHECK(parsed("{}").kind == Kind::everything); }

TEST_CASE("a value beside a field is equality") {
  const Filter filter = parsed(R"({"title":"a"})");
  CHECK(filter.kind == Kind::eq);
  CHECK(filter.field.path == "title");
  CHECK(filter.values.at(0) == Json("a"));
}

TEST_CASE("several fields and several operators are a conjunction") {
  CHECK(parsed(R"({"title":"a","stars":1})").children.size() == 2);
  const Filter filter = parsed(R"({"stars":{"$gt":1,"$lte":5}})");
  CHECK(filter.kind == Kind::conjunction);
  CHECK(filter.children.at(0).kind == Kind::gt);
  CHECK(filter.children.at(1).kind == Kind::lte);
}

TEST_CASE("every operator has its node") {
  CHECK(parsed(R"({"stars":{"$eq":1}})").kind == Kind::eq);
  CHECK(parsed(R"({"stars":{"$ne":1}})").kind == Kind::ne);
  CHECK(parsed(R"({"stars":{"$gte":1}})").kind == Kind::gte);
  CHECK(parsed(R"({"stars":{"$lt":1}})").kind == Kind::lt);
  CHECK(parsed(R"({"stars":{"$in":[1,null]}})").values.size() == 2);
  CHECK(parsed(R"({"stars":{"$nin":[]}})").kind == Kind::nin);
  CHECK(parsed(R"({"tags":{"$all":["a"]}})").kind == Kind::all);
  CHECK(parsed(R"({"tags":{"$size":0}})").kind == Kind::size);
  CHECK(parsed(R"({"tags":{"$size":2.0}})").values.front() == Json(2));
  CHECK(parsed(R"({"tags":{"$exists":false}})").kind == Kind::exists);
  CHECK(parsed(R"({"stars":{"$not":{"$gt":3}}})").children.at(0).kind == Kind::gt);
  CHECK(parsed(R"({"$nor":[{"stars":1}]})").kind == Kind::nor);
  CHECK(parsed(R"({"$or":[{"stars":1},{"stars":2}]})").kind == Kind::disjunction);
}

TEST_CASE("built-in fields and dotted paths can be asked for") {
  CHECK(parsed(R"({"_id":"x"})").field.built_in);
  CHECK(parsed(R"({"_rev":{"$gt":3}})").field.built_in);
  CHECK_FALSE(parsed(R"({"author.name":"x"})").field.built_in);
  CHECK(parsed(R"({"items.n":3})").field.field.through_array);
  CHECK(parsed(R"({"it's":"x"})").field.path == "it's");
}

TEST_CASE("dates are taken in any form and kept in one") {
  CHECK(parsed(R"({"due":"2026-01-02T03:04:05+01:00"})").values.at(0) == Json("2026-01-02T02:04:05.000Z"));
  CHECK(parsed(R"({"_created":{"$gte":"2026-01-02T03:04:05Z"}})").values.at(0) == Json("2026-01-02T03:04:05.000Z"));
  CHECK(parsed(R"({"dates":{"$in":["2026-01-02T03:04:05Z",null]}})").values.at(0) == Json("2026-01-02T03:04:05.000Z"));
  CHECK(parsed(R"({"dates":{"$elemMatch":{"$lt":"2026-01-02T03:04:05Z"}}})").children.at(0).values.at(0) ==
        Json("2026-01-02T03:04:05.000Z"));
  CHECK(parsed(R"({"due":null})").values.at(0).is_null());
}

TEST_CASE("what should be a date and is none is refused") {
  CHECK(refused(R"({"due":"tomorrow"})") == "where: $.due: must be an RFC 3339 date-time such as 2026-01-31T12:00:00Z");
  refused(R"({"due":{"$gt":5}})");
  refused(R"({"_created":true})");
  refused(R"({"_updated":{"$in":["2026-02-30T00:00:00Z"]}})");
  refused(R"({"due":{"$regex":"^2026"}})");
}

TEST_CASE("an order beside null is what MongoDB makes of it") {
  CHECK(parsed(R"({"stars":{"$gte":null}})").kind == Kind::eq);
  CHECK(parsed(R"({"stars":{"$lte":null}})").kind == Kind::eq);
  const Filter nothing = parsed(R"({"stars":{"$gt":null}})");
  CHECK(nothing.kind == Kind::in);
  CHECK(nothing.values.empty());
}

TEST_CASE("an anchored pattern is its literal prefix") {
  CHECK(parsed(R"({"title":{"$regex":"^abc"}})").values.at(0) == Json("abc"));
  CHECK(parsed(R"({"title":{"$regex":"^a\\.b\\\\c\\-"}})").values.at(0) == Json("a.b\\c-"));
  CHECK(parsed(R"({"title":{"$regex":"^"}})").values.at(0) == Json(""));
  CHECK(parsed(R"({"title":{"$regex":"^é"}})").values.at(0) == Json("é"));
}

TEST_CASE("any other pattern is refused") {
  for (const char* pattern :
       {"abc", "", "^a.c", "^a*", "^(a)", "^a|b", "^a$", "^[ab]", "^a{2}", "^^a", "^\\\\d", "^a\\\\", "^a+", "^a?"}) {
    CAPTURE(pattern);
    refused(std::string(R"({"title":{"$regex":")") + pattern + R"("}})");
  }
  refused(R"({"title":{"$regex":5}})");
  CHECK(refused(R"({"title":{"$regex":"^a","$options":"i"}})") == "where: $.title.$options: no options are allowed");
}

TEST_CASE("the place of a mistake is named") {
  CHECK(refused(R"({"nope":1})") == "where: $.nope: there is no such field");
  CHECK(refused(R"({"stars":{"$mod":[2,0]}})") == "where: $.stars.$mod: no such operator");
  CHECK(refused(R"({"$and":[{"stars":1},{"stars":{"$in":5}}]})") == "where: $.$and[1].stars.$in: must be an array");
  CHECK(refused(R"({"$where":"1"})") == "where: $.$where: no such operator here; $and, $or, $nor or a field is allowed");
  CHECK(refused("[]") == "where: $: must be an object");
  CHECK(refused(R"({"tags":{"$size":-1}})") == "where: $.tags.$size: must be an integer from 0");
}

TEST_CASE("nothing outside of the language gets in") {
  for (const char* text : {"",
                           "{",
                           "nul",
                           "5",
                           R"({"stars":1,"stars":2})",
                           R"({"$and":[]})",
                           R"({"$or":{}})",
                           R"({"$nor":[1]})",
                           R"({"$not":{"stars":1}})",
                           R"({"stars":{"$gt":1,"x":2}})",
                           R"({"stars":{"x":2}})",
                           R"({"author":{"name":"x"}})",
                           R"({"tags":["a"]})",
                           R"({"stars":{}})",
                           R"({"stars":{"$in":[[1]]}})",
                           R"({"stars":{"$not":1}})",
                           R"({"stars":{"$not":{}}})",
                           R"({"stars":{"$not":{"$regex":"a"}}})",
                           R"({"stars":{"$exists":1}})",
                           R"({"tags":{"$size":1.5}})",
                           R"({"tags":{"$elemMatch":{}}})",
                           R"({"stars":{"$elemMatch":{"$gt":1}}})",
                           R"({"items":{"$elemMatch":{"nope":1}}})",
                           R"({"tags":{"$elemMatch":{"$exists":true}}})",
                           R"({"tags.0":"a"})",
                           R"({"_id.x":1})",
                           R"({"$expr":{}})",
                           R"({"":1})",
                           R"({".":1})",
                           R"({"say\"it":"x"})",
                           R"({"stars":9223372036854775808})",
                           R"({"author.name.x":1})",
                           R"({"$comment":"x"})"}) {
    CAPTURE(text);
    refused(text);
  }
}

TEST_CASE("a text may hold NUL") {
  const std::string text("a\0b", 3);
  CHECK(parsed(R"({"title":"a\u0000b"})").values.at(0) == Json(text));
  CHECK(parsed(R"({"title":{"$regex":"^a\u0000b"}})").values.at(0) == Json(text));
}

TEST_CASE("an element is matched as a whole, with paths below it or as itself") {
  const Filter object = parsed(R"({"items":{"$elemMatch":{"name":"x","parts.id":3}}})");
  CHECK(object.kind == Kind::elem_match);
  CHECK(object.children.at(0).children.at(0).field.path == "name");
  CHECK_FALSE(object.children.at(0).children.at(0).field.field.through_array);
  CHECK(object.children.at(0).children.at(1).field.path == "parts.id");
  CHECK(object.children.at(0).children.at(1).field.field.through_array);
  const Filter value = parsed(R"({"tags":{"$elemMatch":{"$gte":"a","$lt":"c"}}})");
  CHECK(value.children.at(0).children.at(0).field.path.empty());
  const Filter inner = parsed(R"({"items":{"$elemMatch":{"parts":{"$elemMatch":{"id":1}}}}})");
  CHECK(inner.children.at(0).children.at(0).field.path == "id");
  CHECK(parsed(R"({"items":{"$elemMatch":{"$or":[{"n":1},{"n":2}]}}})").children.at(0).kind == Kind::disjunction);
}

TEST_CASE("32 conditions are allowed and 33 are not") {
  std::string list;
  for (int i = 0; i < kMaxConditions; ++i) list += (list.empty() ? "" : ",") + std::string(R"({"stars":1})");
  parsed(R"({"$or":[)" + list + "]}");
  CHECK(refused(R"({"$or":[)" + list + R"(,{"stars":1}]})") == "where: $.$or[32].stars: at most 32 conditions are allowed");
}

TEST_CASE("conditions nest five deep and no deeper") {
  parsed(nested(kMaxDepth, "{}"));
  CHECK(refused(nested(kMaxDepth + 1, "{}")).ends_with("conditions may be 5 deep at most"));
  parsed(nested(kMaxDepth - 1, R"({"stars":{"$not":{"$gt":1}}})"));
  refused(nested(kMaxDepth, R"({"stars":{"$not":{"$gt":1}}})"));
  refused(nested(kMaxDepth, R"({"tags":{"$elemMatch":{"$gt":"a"}}})"));
}

TEST_CASE("lists of values are bounded") {
  const auto numbers = [](std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i) list.append(list.empty() ? "" : ",").append(std::to_string(i));
    return list;
  };
  CHECK(parsed(R"({"stars":{"$in":[)" + numbers(kMaxList) + "]}}").values.size() == kMaxList);
  CHECK(refused(R"({"stars":{"$in":[)" + numbers(kMaxList + 1) + "]}}") ==
        "where: $.stars.$in: at most 1000 values are allowed");
  CHECK(parsed(R"({"anything":{"$all":[)" + numbers(kMaxAll) + "]}}").values.size() == kMaxAll);
  CHECK(refused(R"({"anything":{"$all":[)" + numbers(kMaxAll + 1) + "]}}") ==
        "where: $.anything.$all: at most 100 different values are allowed");
}

TEST_CASE("a list holds each value once") {
  std::string list = "true";
  for (std::size_t i = 1; i < kMaxList; ++i) list += i % 2 == 0 ? ",true" : ",false";
  CHECK(parsed(R"({"pinned":{"$in":[)" + list + "]}}").values.size() == 2);
  CHECK(parsed(R"({"pinned":{"$all":[)" + list + "]}}").values.size() == 2);
  CHECK(parsed(R"({"price":{"$nin":[1,2,1.0,"1",null,2,null]}})").values.size() == 4);
}

TEST_CASE("conditions without a condition count as one") {
  std::string list = "{}";
  for (int i = 1; i < kMaxConditions; ++i) list += ",{}";
  parsed(R"({"$or":[)" + list + "]}");
  CHECK(refused(R"({"$or":[)" + list + ",{}]}") == "where: $.$or[32]: at most 32 conditions are allowed");
}

TEST_CASE("what all conditions would take once compiled is bounded, and the place is named where it is too much") {
  std::string path = "tree";
  for (int i = 0; i < 30; ++i) path += ".a";
  const std::string condition = "{\"" + path + "\":1}";
  parsed(condition);
  std::string list = condition;
  for (int i = 1; i < kMaxConditions; ++i) list += "," + condition;
  CHECK(refused(R"({"$or":[)" + list + "]}").ends_with(": all conditions together are too complex"));
  CHECK(refused("{\"" + path + R"(":{"$all":[1,2,3,4,5,6,7,8,9]}})") ==
        "where: $." + path + ".$all: all conditions together are too complex");
}

}  // namespace nacre::query
