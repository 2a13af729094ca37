#include "store/mongo/indexes.h"

#include <doctest/doctest.h>

#include <array>

#include "json/parse.h"
#include "mongo/bson_reader.h"
#include "store/mongo/fixture.h"
#include "store/mongo/to_json.h"

namespace nacre::store::on_mongo {
namespace {

config::Resource resource(std::vector<config::Index> indexes) {
  Json json = *parse_json(R"({"type": "object", "properties": {
    "title": {"type": "string"}, "slug": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
    "items": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}}})");
  auto schema = schema::Schema::compile(json);
  return {"plans", std::move(json), std::move(*schema), {}, std::move(indexes), {}, {}, {}};
}

std::string json_of(std::string_view bson) {
  std::string out = "{";
  BsonReader reader(bson);
  BsonElement element;
  while (reader.next(element)) {
    if (element.name == "name") continue;
    out.append(out.size() > 1 ? "," : "").append("\"").append(element.name).append("\":");
    append_value(out, element);
  }
  return out + "}";
}

NewDocument document(std::string id, std::string_view fields) {
  return {.id = std::move(id), .fields = parse_json(fields)->get_object(), .created = {}, .owner = {}};
}

/// Waits, on a fiber, until `holds`.
void wait_until(const std::function<bool()>& holds) {
  bool held = false;
  for (int i = 0; i < 500 && !held; ++i) {
    if (i > 0) REQUIRE(fiber::sleep(Milliseconds{20}).has_value());
    held = holds();
  }
  CHECK(held);
}

}  // namespace

TEST_CASE("an index ends with _id, and a unique one has a sparse one beside it") {
  const auto plan = plan_collection(resource({{.keys = {{.path = "title", .descending = true}, {.path = "slug"}}},
                                              {.keys = {{.path = "slug"}}, .unique = true},
                                              {.keys = {{.path = "_owner"}, {.path = "slug"}}, .unique = true},
                                              {.keys = {{.path = "tags"}}},
                                              {.keys = {{.path = "tags"}, {.path = "items.n"}}}}));
  REQUIRE(plan.indexes.size() == 6);
  CHECK(json_of(plan.indexes[0].spec) == R"({"key":{"title":-1,"slug":1,"_id":1}})");
  CHECK(json_of(plan.indexes[1].spec) == R"({"key":{"slug":1,"_id":1}})");
  CHECK(json_of(plan.indexes[2].spec) == R"({"key":{"slug":1},"unique":true,"sparse":true})");
  CHECK(plan.indexes[2].keys == "slug");
  CHECK(json_of(plan.indexes[4].spec) ==
        R"({"key":{"_owner":1,"slug":1},"unique":true,)"
        R"("partialFilterExpression":{"$or":[{"_owner":{"$type":"string"}},{"slug":{"$exists":true}}]}})");
  CHECK(json_of(plan.indexes[5].spec) == R"({"key":{"tags":1,"_id":1}})");
  CHECK(plan.not_indexed == std::vector<std::string>{"tags, items.n"});
  CHECK(plan.has_unique());
  for (const auto& index : plan.indexes) CHECK(index.name.starts_with(kIndexPrefix));
}

TEST_CASE("MongoDB: a unique index that documents stand against is told of, and made once they differ" *
          doctest::skip(mongo_for_tests() == nullptr)) {
  const auto target = fresh_target();
  const std::array loose{resource({{.keys = {{.path = "slug"}}}})};
  std::array strict{resource({{.keys = {{.path = "slug"}}, .unique = true}}),
                    resource({{.keys = {{.path = "slug"}}, .unique = true}})};
  strict[1].name = "others";
  {
    MongoUnderTest before(loose, {}, target, MongoUnderTest::Afterwards::keep);
    before.run([&] {
      REQUIRE(before.store().insert(loose[0], std::vector{document("a", R"({"slug":"x"})")}, {}).has_value());
      REQUIRE(before.store().insert(loose[0], std::vector{document("b", R"({"slug":"x"})")}, {}).has_value());
    });
  }
  MongoUnderTest after(strict, {}, target);
  after.run([&] {
    const auto refused = after.store().insert(strict[0], std::vector{document("c", "{}")}, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().error == Error::unavailable);
    CHECK(
        refused.error().detail ==
        "the unique index on slug can't be made: documents have the same slug; until then nothing is created or replaced here");
    CHECK(after.store().troubles() ==
          std::vector<std::string>{"resource plans: the unique index on slug can't be made: documents have the same slug"});
    REQUIRE(after.log.size() == 1);
    CHECK(after.log[0].starts_with(after.store().troubles()[0]));
    CHECK(after.store().insert(strict[1], std::vector{document("c", R"({"slug":"x"})")}, {}).has_value());
    CHECK(after.store().find_one(strict[0], "a", {}).has_value());
    REQUIRE(after.store().erase(strict[0], "a", {}).has_value());
    wait_until([&] { return after.store().insert(strict[0], std::vector{document("c", "{}")}, {}).has_value(); });
    const auto conflict = after.store().insert(strict[0], std::vector{document("d", R"({"slug":"x"})")}, {});
    REQUIRE_FALSE(conflict.has_value());
    CHECK(conflict.error().errors == std::vector<FieldError>{{"/slug", "is taken"}});
    CHECK(after.store().troubles().empty());
    CHECK(after.log.size() == 2);
  });
}

TEST_CASE("MongoDB: an older configuration undoes nothing of a newer one" * doctest::skip(mongo_for_tests() == nullptr)) {
  const auto target = fresh_target();
  const std::array strict{resource({{.keys = {{.path = "slug"}}, .unique = true}})};
  const std::array loose{resource({})};
  const Timestamp now = std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
  const auto reads = [&](Milliseconds ago) { return now - ago; };
  int given_back = 0;
  const Turn turn{.take = [](std::string_view) { return true; }, .give_back = [&] { ++given_back; }};
  const auto insert = [](MongoUnderTest& under, const config::Resource& into, std::string id) {
    return under.store().insert(into, std::vector{document(std::move(id), R"({"slug":"x"})")}, {});
  };
  const auto both_steps = [&] {
    wait_until([&] { return given_back == 2; });
    given_back = 0;
  };
  using Afterwards = MongoUnderTest::Afterwards;
  {
    MongoUnderTest newer(strict, {}, target, Afterwards::keep, turn, reads(Milliseconds{1'000}));
    newer.run([&] {
      CHECK(insert(newer, strict[0], "a").has_value());
      both_steps();
    });
  }
  {
    MongoUnderTest older(loose, {}, target, Afterwards::keep, turn, reads(Milliseconds{2'000}));
    older.run([&] {
      both_steps();
      CHECK_FALSE(insert(older, loose[0], "b").has_value());
    });
  }
  {
    MongoUnderTest newest(loose, {}, target, Afterwards::keep, turn, reads(Milliseconds{0}));
    newest.run([&] {
      both_steps();
      CHECK(insert(newest, loose[0], "b").has_value());
    });
  }
  // What a newer one does not want keeps no write from an older one.
  MongoUnderTest older(strict, {}, target, Afterwards::drop, turn, reads(Milliseconds{1'000}));
  older.run([&] { CHECK(insert(older, strict[0], "c").has_value()); });
}

TEST_CASE("MongoDB: an index that is wanted no more is dropped" * doctest::skip(mongo_for_tests() == nullptr)) {
  const auto target = fresh_target();
  const std::array strict{resource({{.keys = {{.path = "slug"}}, .unique = true}})};
  const std::array loose{resource({})};
  {
    MongoUnderTest before(strict, {}, target, MongoUnderTest::Afterwards::keep);
    before.run(
        [&] { REQUIRE(before.store().insert(strict[0], std::vector{document("a", R"({"slug":"x"})")}, {}).has_value()); });
  }
  MongoUnderTest after(loose, {}, target);
  after.run([&] {
    int tried = 0;
    wait_until([&] {
      return after.store()
          .insert(loose[0], std::vector{document("b" + std::to_string(tried++), R"({"slug":"x"})")}, {})
          .has_value();
    });
  });
}

TEST_CASE("MongoDB: a collection that was dropped gets its indexes again" * doctest::skip(mongo_for_tests() == nullptr)) {
  const auto target = fresh_target();
  const std::array strict{resource({{.keys = {{.path = "slug"}}, .unique = true}})};
  int given_back = 0;
  const Turn turn{.take = [](std::string_view) { return true; }, .give_back = [&] { ++given_back; }};
  MongoUnderTest under(strict, {}, target, MongoUnderTest::Afterwards::drop, turn, {}, Milliseconds{50});
  nacre::mongo::Client client(under.reactor, target, Milliseconds{20'000}, nacre::mongo::Listeners{});
  client.start();
  under.run([&] {
    wait_until([&] { return given_back == 2; });
    REQUIRE(client.write([](auto& bson) { bson.string("drop", "plans"); }, {.until = fiber::deadline()}).has_value());
    wait_until([&] { return given_back == 4; });
    const auto insert = [&](std::string id) {
      return under.store().insert(strict[0], std::vector{document(std::move(id), R"({"slug":"x"})")}, {});
    };
    CHECK(insert("a").has_value());
    CHECK_FALSE(insert("b").has_value());
    CHECK(under.log.empty());
  });
}

TEST_CASE("MongoDB: one worker at a time makes indexes, and those that are there keep no write waiting" *
          doctest::skip(mongo_for_tests() == nullptr)) {
  const auto target = fresh_target();
  const std::array strict{resource({{.keys = {{.path = "slug"}}, .unique = true}})};
  bool mine = false;
  std::vector<std::string> taken;
  int given_back = 0;
  const Turn turn{.take =
                      [&](std::string_view what) {
                        if (mine) taken.emplace_back(what);
                        return mine;
                      },
                  .give_back = [&] { ++given_back; }};
  {
    MongoUnderTest first(strict, {}, target, MongoUnderTest::Afterwards::keep, turn);
    first.run([&] {
      const auto insert = [&] { return first.store().insert(strict[0], std::vector{document("a", "{}")}, {}); };
      {
        const fiber::TimeLimit limit(Milliseconds{300});
        const auto early = insert();
        REQUIRE_FALSE(early.has_value());
        CHECK(early.error().error == Error::unavailable);
      }
      mine = true;
      CHECK(insert().has_value());
      wait_until([&] { return given_back == 2; });
      CHECK(taken == std::vector<std::string>(kTurns.begin(), kTurns.end()));
    });
  }
  MongoUnderTest second(strict, {}, target, MongoUnderTest::Afterwards::drop, {.take = [](std::string_view) { return false; }});
  second.run([&] { CHECK(second.store().insert(strict[0], std::vector{document("b", "{}")}, {}).has_value()); });
}

}  // namespace nacre::store::on_mongo
