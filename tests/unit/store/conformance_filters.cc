#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "json/parse.h"
#include "store/conformance.h"
#include "store/random.h"
#include "store/reference.h"
#include "store/things.h"

namespace nacre::store {
namespace {

struct Example {
  std::string_view where;
  std::string_view found;  // the numbers of the documents, in their order
};

/// The documents that the examples are about; `dN` is the N-th.
constexpr std::string_view kDocuments = R"([
  {"title":"a","stars":1,"tags":["x","y"],"pinned":true,"author":{"name":"ann","age":30},"items":[{"name":"p","n":1},{"name":"q","n":2}]},
  {"title":"b","stars":5,"tags":[],"pinned":false,"author":{"name":"bob"},"items":[]},
  {"title":"ab","stars":9223372036854775807,"price":1.5,"due":"2026-01-02T00:00:00.000Z","items":[{"name":"p","n":2,"parts":[{"id":7},{"id":8}]}]},
  {"price":5,"due":"2026-03-01T00:00:00.000Z","grade":null,"anything":[1,"1",null,[2],{"a":3}]},
  {"grade":"5","flag":true,"anything":{"a":[1,{"b":2}]}},
  {"grade":5,"flag":1,"anything":"text"}
])";

constexpr Example kExamples[] = {
    {R"({})", "012345"},
    {R"({"title":"a"})", "0"},
    {R"({"title":{"$eq":"a"}})", "0"},
    {R"({"title":null})", "345"},
    {R"({"title":{"$ne":"a"}})", "12345"},
    {R"({"title":{"$ne":null}})", "012"},
    {R"({"stars":{"$gt":1}})", "12"},
    {R"({"stars":{"$gte":1,"$lt":6}})", "01"},
    {R"({"stars":9223372036854775807})", "2"},
    {R"({"stars":9223372036854775806})", ""},
    {R"({"stars":{"$gt":9223372036854775806}})", "2"},
    {R"({"stars":5.0})", "1"},
    {R"({"stars":"5"})", ""},
    {R"({"stars":{"$lte":1}})", "0"},
    {R"({"price":{"$gt":1.5}})", "3"},
    {R"({"price":{"$in":[1.5,5]}})", "23"},
    {R"({"title":{"$in":["a","b",null]}})", "01345"},
    {R"({"title":{"$nin":["a","b"]}})", "2345"},
    {R"({"title":{"$nin":[null]}})", "012"},
    {R"({"title":{"$in":[]}})", ""},
    {R"({"title":{"$nin":[]}})", "012345"},
    {R"({"title":{"$exists":true}})", "012"},
    {R"({"title":{"$exists":false}})", "345"},
    {R"({"grade":{"$exists":true}})", "345"},
    {R"({"$or":[{"title":"a"},{"stars":5}]})", "01"},
    {R"({"$and":[{"title":"a"},{"stars":5}]})", ""},
    {R"({"$nor":[{"title":"a"},{"stars":5}]})", "2345"},
    {R"({"stars":{"$not":{"$gt":1}}})", "0345"},
    {R"({"title":{"$regex":"^a"}})", "02"},
    {R"({"title":{"$regex":"^ab"}})", "2"},
    {R"({"title":{"$not":{"$regex":"^a"}}})", "1345"},
    {R"({"tags":"x"})", "0"},
    {R"({"tags":{"$ne":"x"}})", "12345"},
    {R"({"tags":{"$all":["y","x"]}})", "0"},
    {R"({"tags":{"$all":["x","z"]}})", ""},
    {R"({"tags":{"$all":[]}})", ""},
    {R"({"tags":{"$size":0}})", "1"},
    {R"({"tags":{"$size":2}})", "0"},
    {R"({"tags":null})", "2345"},
    {R"({"tags":{"$elemMatch":{"$gt":"x"}}})", "0"},
    {R"({"tags":{"$elemMatch":{"$gt":"y"}}})", ""},
    {R"({"tags":{"$gt":"x","$lt":"y"}})", "0"},
    {R"({"tags":{"$elemMatch":{"$gt":"x","$lt":"y"}}})", ""},
    {R"({"tags":{"$regex":"^x"}})", "0"},
    {R"({"pinned":true})", "0"},
    {R"({"pinned":{"$gte":false}})", "01"},
    {R"({"pinned":1})", ""},
    {R"({"flag":1})", "5"},
    {R"({"flag":true})", "4"},
    {R"({"flag":{"$in":[true,7]}})", "4"},
    {R"({"grade":5})", "5"},
    {R"({"grade":"5"})", "4"},
    {R"({"grade":null})", "0123"},
    {R"({"grade":{"$lt":"6"}})", "4"},
    {R"({"grade":{"$lt":6}})", "5"},
    {R"({"author.name":"ann"})", "0"},
    {R"({"author.age":null})", "12345"},
    {R"({"items.name":"p"})", "02"},
    {R"({"items.n":{"$gt":1}})", "02"},
    {R"({"items.name":"p","items.n":2})", "02"},
    {R"({"items":{"$elemMatch":{"name":"p","n":2}}})", "2"},
    {R"({"items":{"$elemMatch":{"n":{"$not":{"$gt":1}}}}})", "0"},
    {R"({"items":{"$not":{"$elemMatch":{"name":"p"}}}})", "1345"},
    {R"({"items":{"$size":1}})", "2"},
    {R"({"items.parts.id":8})", "2"},
    {R"({"items":{"$elemMatch":{"parts.id":{"$gt":7}}}})", "2"},
    {R"({"items":{"$elemMatch":{"parts":{"$elemMatch":{"id":7}}}}})", "2"},
    {R"({"items.parts":{"$size":2}})", "2"},
    {R"({"items.n":null})", "345"},
    {R"({"due":{"$gte":"2026-01-31T00:00:00+02:00"}})", "3"},
    {R"({"due":"2026-01-02T01:00:00.000+01:00"})", "2"},
    {R"({"anything":1})", "3"},
    {R"({"anything":"1"})", "3"},
    {R"({"anything":null})", "0123"},
    {R"({"anything":2})", ""},
    {R"({"anything":"text"})", "5"},
    {R"({"anything":"{\"a\":[1,{\"b\":2}]}"})", ""},
    {R"({"_id":"d3"})", "3"},
    {R"({"_id":{"$gt":"d3"}})", "45"},
    {R"({"_id":{"$in":["d1","d5","nope"]}})", "15"},
    {R"({"_id":5})", ""},
    {R"({"_id":"d3\u0000"})", ""},
    {R"({"_id":{"$in":["d1\u0000","d5"]}})", "5"},
    {R"({"_owner":{"$in":["ann\u0000","bob"]}})", "25"},
    {R"({"title":"a\u0000"})", ""},
    {R"({"title":{"$lt":"a\u0000"}})", "0"},
    {R"({"title":{"$gt":"a\u0000"}})", "12"},
    {R"({"title":{"$regex":"^a\u0000"}})", ""},
    {R"({"_rev":1})", "012345"},
    {R"({"_rev":{"$gt":1}})", ""},
    {R"({"_owner":"ann"})", "14"},
    {R"({"_owner":null})", "03"},
    {R"({"_created":"2026-01-01T00:00:00.001Z"})", "14"},
    {R"({"_created":{"$in":["2026-01-01T00:00:00.001Z","2026-01-01T00:00:00.002Z"]}})", "1245"},
    {R"({"_updated":{"$gt":"2026-01-01T00:00:00.001Z"}})", "25"},
};

void examples(const MakeStore& make) {
  Things things(make);
  things.run([&] {
    std::vector<JsonObject> documents;
    const Json parsed = *parse_json(kDocuments);
    documents.reserve(parsed.get_array().size());
    for (const Json& document : parsed.get_array()) documents.push_back(document.get_object());
    things.insert(documents);
    for (const Example& example : kExamples) {
      CAPTURE(example.where);
      const Json where = *parse_json(example.where);
      std::string found;
      for (const auto& id : ids_of(things.list(where))) found += id.substr(1);
      CHECK(found == example.found);
      std::string expected;
      for (const auto& id : ids_of(reference::list(things.query(where), things.documents))) expected += id.substr(1);
      CHECK_MESSAGE(expected == example.found, "the reference is wrong");
    }
  });
}

void random_filters(const MakeStore& make, std::uint32_t seed) {
  Things things(make);
  Random random(seed);
  things.run([&] {
    std::vector<JsonObject> documents;
    documents.reserve(150);
    for (int i = 0; i < 150; ++i) documents.push_back(random.document());
    things.insert(documents);
    std::size_t found = 0;
    for (int i = 0; i < 600; ++i) {
      const Json where = random.filter();
      CAPTURE(where);
      const auto expected = ids_of(reference::list(things.query(where), things.documents));
      CHECK(ids_of(things.list(where, "limit=100")) == expected);
      if (!expected.empty() && expected.size() < things.documents.size()) ++found;
    }
    CHECK_MESSAGE(found > 200, "the filters are to tell documents apart");
  });
}

}  // namespace

void conforms_in_filters(const MakeStore& make) {
  examples(make);
  random_filters(make, 20260101);
}

}  // namespace nacre::store
