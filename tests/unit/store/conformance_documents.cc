#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fiber/fiber.h"
#include "json/parse.h"
#include "store/conformance.h"
#include "store/document.h"

namespace nacre::store {
namespace {

constexpr Timestamp kCreated{Milliseconds{1'767'225'600'123}};
constexpr Timestamp kLater{Milliseconds{1'767'225'700'456}};
constexpr Timestamp kMuchLater{Milliseconds{1'767'225'800'000}};

config::Resource notes() {
  Json json = *parse_json(R"({"type": "object", "properties": {
    "title": {"type": "string"}, "slug": {"type": ["string", "null"]}, "a": {"type": "integer"}, "b": {"type": "integer"},
    "author": {"type": "object", "properties": {"name": {"type": "string"}}}}})");
  auto schema = schema::Schema::compile(json);
  return {"notes",
          std::move(json),
          std::move(*schema),
          {},
          {{.keys = {{.path = "title"}}},
           {.keys = {{.path = "slug"}}, .unique = true},
           {.keys = {{.path = "a"}, {.path = "b"}}, .unique = true},
           {.keys = {{.path = "author.name"}}, .unique = true}},
          {},
          {},
          {}};
}

/// Asks for one of these revisions.
Precondition at(std::vector<std::int64_t> revs, std::optional<std::string> owner = {}) {
  return {.owner = std::move(owner), .judge = [revs = std::move(revs)](const Document& current) -> Result<void> {
            if (std::find(revs.begin(), revs.end(), current.rev) != revs.end()) return {};
            return Failure(Error::precondition_failed, "it is " + current.json);
          }};
}

/// A store with the resource `notes`, and shorthands. Everything but `run` is called on a fiber.
struct Notes {
  explicit Notes(const MakeStore& make, Written written = {}) {
    resources.push_back(notes());
    under_test = make(resources, std::move(written));
  }
  Store& store() { return under_test->store(); }
  const config::Resource& resource() const { return resources.front(); }
  void run(const std::function<void()>& body) { under_test->run(body); }

  static NewDocument document(std::string id, std::string_view fields, std::optional<std::string> owner = {}) {
    return {.id = std::move(id), .fields = parse_json(fields)->get_object(), .created = kCreated, .owner = std::move(owner)};
  }
  Result<void> insert(const std::vector<NewDocument>& documents, const std::optional<Remember>& remember = {}) {
    return store().insert(resource(), documents, remember);
  }
  bool insert(std::string id, std::string_view fields, std::optional<std::string> owner = {}) {
    const auto inserted = insert({document(std::move(id), fields, std::move(owner))});
    if (!inserted) MESSAGE(inserted.error().detail << " " << inserted.error().internal);
    return inserted.has_value();
  }
  Result<Document> find(std::string_view id, const std::optional<std::string>& owner = {}) {
    return store().find_one(resource(), id, owner);
  }
  Result<Document> replace(std::string_view id, std::string_view fields, const Precondition& precondition = {}) {
    return store().replace(resource(), id, parse_json(fields)->get_object(), kLater, precondition);
  }
  Result<void> erase(std::string_view id, const Precondition& precondition = {}) {
    return store().erase(resource(), id, precondition);
  }

  std::vector<config::Resource> resources;
  std::unique_ptr<StoreUnderTest> under_test;
};

std::vector<FieldError> taken(std::string pointer) { return {{std::move(pointer), "is taken"}}; }

template <class T>
bool failed_with(const Result<T>& result, Error error) {
  return !result && result.error().error == error;
}

void inserts_and_finds(const MakeStore& make) {
  INFO("what is inserted is found as it was, with what the server adds");
  Notes notes(make);
  notes.run([&] {
    const NewDocument inserted = Notes::document("n1", R"({"title":"é\"\\\n","a":9223372036854775807,"x":{"y":[1.5,{}]}})");
    REQUIRE(notes.insert({inserted}).has_value());
    const auto found = notes.find("n1");
    REQUIRE(found.has_value());
    CHECK(found->rev == 1);
    CHECK(found->updated == kCreated);
    CHECK(found->json == render(inserted).json);
    CHECK(*parse_json(found->json) == *parse_json(R"({"_id":"n1","_rev":1,"_created":"2026-01-01T00:00:00.123Z",
        "_updated":"2026-01-01T00:00:00.123Z","_owner":null,"title":"é\"\\\n","a":9223372036854775807,"x":{"y":[1.5,{}]}})"));
    REQUIRE(notes.insert("empty", "{}"));
    CHECK(parse_json(notes.find("empty")->json)->get_object().size() == 5);
    CHECK(failed_with(notes.find("n2"), Error::not_found));
    CHECK(failed_with(notes.find(""), Error::not_found));
    CHECK(failed_with(notes.find("N1"), Error::not_found));
  });
}

void owners(const MakeStore& make) {
  INFO("another owner's document is not found");
  Notes notes(make);
  notes.run([&] {
    REQUIRE(notes.insert("n1", "{}", "ann"));
    REQUIRE(notes.insert("n2", "{}"));
    CHECK(notes.find("n1", "ann").has_value());
    CHECK(parse_json(notes.find("n1")->json)->at("_owner") == Json("ann"));
    CHECK(failed_with(notes.find("n1", "bob"), Error::not_found));
    CHECK(failed_with(notes.find("n2", "ann"), Error::not_found));
    CHECK(failed_with(notes.replace("n1", "{}", {.owner = "bob"}), Error::not_found));
    CHECK(failed_with(notes.erase("n1", {.owner = "bob"}), Error::not_found));
    CHECK(failed_with(notes.erase("n1", at({7}, "bob")), Error::not_found));
    CHECK(failed_with(notes.erase("n1", at({7}, "ann")), Error::precondition_failed));
    CHECK(notes.replace("n1", R"({"title":"x"})", {.owner = "ann"}).has_value());
    CHECK(parse_json(notes.find("n1")->json)->at("_owner") == Json("ann"));
    CHECK(notes.erase("n1", {.owner = "ann"}).has_value());
    CHECK(failed_with(notes.find("n1"), Error::not_found));
  });
}

void replaces_and_erases(const MakeStore& make) {
  INFO("a replaced document counts its revision up and keeps what is the server's; an erased one is gone");
  Notes notes(make);
  notes.run([&] {
    REQUIRE(notes.insert("n1", R"({"title":"old","a":1})"));
    const auto replaced = notes.replace("n1", R"({"title":"new"})");
    REQUIRE(replaced.has_value());
    CHECK(replaced->rev == 2);
    CHECK(replaced->updated == kLater);
    CHECK(notes.find("n1")->json == replaced->json);
    const Json json = *parse_json(replaced->json);
    CHECK(json.at("title") == Json("new"));
    CHECK_FALSE(json.get_object().contains("a"));
    CHECK(json.at("_created") == Json("2026-01-01T00:00:00.123Z"));
    CHECK(json.at("_updated") == Json("2026-01-01T00:01:40.456Z"));
    CHECK(failed_with(notes.replace("n2", "{}"), Error::not_found));
    CHECK(failed_with(notes.erase("n2"), Error::not_found));
    CHECK(notes.erase("n1").has_value());
    CHECK(failed_with(notes.erase("n1"), Error::not_found));
    CHECK(notes.insert("n1", "{}"));
    CHECK(notes.find("n1")->rev == 1);
  });
}

void preconditions(const MakeStore& make) {
  INFO("a write happens only to a document that its precondition lets through, and its answer is the precondition's own");
  Notes notes(make);
  notes.run([&] {
    REQUIRE(notes.insert("n1", R"({"title":"x"})"));
    const auto refused = notes.replace("n1", "{}", at({2, 3}));
    CHECK(failed_with(refused, Error::precondition_failed));
    CHECK(refused.error().detail == "it is " + notes.find("n1")->json);
    CHECK(failed_with(notes.replace("n1", "{}", at({})), Error::precondition_failed));
    CHECK(failed_with(notes.replace("n2", "{}", at({1})), Error::not_found));
    CHECK(failed_with(notes.erase("n2", at({1})), Error::not_found));
    CHECK(notes.find("n1")->rev == 1);
    CHECK(notes.replace("n1", "{}", at({5, 1}))->rev == 2);
    CHECK(failed_with(notes.erase("n1", at({1})), Error::precondition_failed));
    CHECK(notes.find("n1")->updated == kLater);
    CHECK(notes.erase("n1", at({2})).has_value());
    CHECK(failed_with(notes.find("n1"), Error::not_found));
  });
}

/// A judge that looks on while another write happens is asked again about what that one left.
void writes_between(const MakeStore& make) {
  INFO("of all that read one state and write, one does; the others' preconditions see what it wrote");
  Notes notes(make);
  notes.run([&] { REQUIRE(notes.insert("n1", "{}")); });
  std::mutex mutex;
  std::map<std::int64_t, int> judged;
  std::vector<std::function<void()>> bodies;
  for (int i = 0; i < 8; ++i) {
    bodies.emplace_back([&] {
      const auto result = notes.replace("n1", "{}", {.judge = [&](const Document& current) -> Result<void> {
                                          const std::lock_guard lock(mutex);
                                          ++judged[current.rev];
                                          return {};
                                        }});
      CHECK(result.has_value());
    });
  }
  notes.under_test->run_together(bodies);
  notes.run([&] { CHECK(notes.find("n1")->rev == 9); });
  CHECK(judged.size() == 8);
  CHECK(judged.begin()->first == 1);
  CHECK(judged.rbegin()->first == 8);
}

void unique_indexes(const MakeStore& make) {
  INFO("a unique index holds among the documents that have any of its keys, and its keys are named");
  Notes notes(make);
  notes.run([&] {
    REQUIRE(notes.insert("n1", R"({"slug":"x"})"));
    const auto twice = notes.insert({Notes::document("n2", R"({"slug":"x"})")});
    REQUIRE(failed_with(twice, Error::conflict));
    CHECK(twice.error().detail.find("slug") != std::string::npos);
    CHECK(failed_with(notes.find("n2"), Error::not_found));
    CHECK(notes.insert("n3", R"({"title":"no slug"})"));
    CHECK(notes.insert("n4", R"({"title":"no slug"})"));
    CHECK(notes.insert("null 1", R"({"slug":null})"));
    CHECK(failed_with(notes.insert({Notes::document("null2", R"({"slug":null})")}), Error::conflict));
    const auto changed = notes.replace("n3", R"({"slug":"x"})");
    REQUIRE(failed_with(changed, Error::conflict));
    CHECK(changed.error().detail.find("slug") != std::string::npos);
    CHECK(notes.find("n3")->rev == 1);
    CHECK(notes.replace("n1", R"({"slug":"x","title":"still mine"})").has_value());
    CHECK(notes.insert("c1", R"({"a":1})"));
    CHECK(failed_with(notes.insert({Notes::document("c2", R"({"a":1})")}), Error::conflict));
    CHECK(notes.insert("c3", R"({"a":1,"b":1})"));
    CHECK(notes.insert("c4", R"({"b":1})"));
    const auto compound = notes.insert({Notes::document("c5", R"({"a":1,"b":1})")});
    REQUIRE(failed_with(compound, Error::conflict));
    CHECK(compound.error().detail.find("a, b") != std::string::npos);
    CHECK(compound.error().errors == taken("/a"));
    CHECK(notes.insert("p1", R"({"author":{"name":"x"}})"));
    const auto below = notes.insert({Notes::document("p2", R"({"author":{"name":"x"}})")});
    REQUIRE(failed_with(below, Error::conflict));
    CHECK(below.error().errors == taken("/author/name"));
    CHECK(notes.insert("NUL 1", R"({"slug":"x\u0000"})"));
    CHECK(notes.insert("NUL 2", R"({"slug":"x\u0000y"})"));
    CHECK(notes.insert("NUL 3", R"({"slug":"x\u0001"})"));
    CHECK(failed_with(notes.insert({Notes::document("NUL 4", R"({"slug":"x\u0000y"})")}), Error::conflict));
    CHECK(notes.erase("n1").has_value());
    CHECK(notes.insert("n2", R"({"slug":"x"})"));
  });
}

void ids_are_unique(const MakeStore& make) {
  INFO("an _id is taken once");
  Notes notes(make);
  notes.run([&] {
    REQUIRE(notes.insert("n1", R"({"title":"first"})"));
    const auto twice = notes.insert({Notes::document("n1", R"({"title":"second"})")});
    REQUIRE(failed_with(twice, Error::conflict));
    CHECK(twice.error().detail.find("_id") != std::string::npos);
    CHECK(twice.error().errors == taken("/_id"));
    CHECK(parse_json(notes.find("n1")->json)->at("title") == Json("first"));
  });
}

void many_or_none(const MakeStore& make) {
  INFO("of several documents all are inserted or none, and the one in the way is named");
  Notes notes(make);
  notes.run([&] {
    std::vector<NewDocument> documents;
    documents.reserve(1000);
    for (int i = 0; i < 1000; ++i) documents.push_back(Notes::document("d" + std::to_string(i), "{}"));
    const auto inserted = notes.insert(documents);
    REQUIRE(inserted.has_value());
    CHECK(notes.find("d999").has_value());
    const auto conflict = notes.insert({Notes::document("e0", "{}"), Notes::document("e1", "{}"), Notes::document("d7", "{}")});
    REQUIRE(failed_with(conflict, Error::conflict));
    CHECK(conflict.error().detail.find("document 2") != std::string::npos);
    CHECK(conflict.error().errors == taken("/2/_id"));
    CHECK(failed_with(notes.find("e0"), Error::not_found));
    const auto twice = notes.insert({Notes::document("f", "{}"), Notes::document("f", "{}")});
    REQUIRE(failed_with(twice, Error::conflict));
    CHECK(twice.error().errors == taken("/1/_id"));
    CHECK(failed_with(notes.find("f"), Error::not_found));
    REQUIRE(notes.insert("g", R"({"slug":"x"})"));
    const auto slug = notes.insert({Notes::document("h0", "{}"), Notes::document("h1", R"({"slug":"x"})")});
    REQUIRE(failed_with(slug, Error::conflict));
    CHECK(slug.error().errors == taken("/1/slug"));
    const auto same = notes.insert({Notes::document("i0", R"({"slug":"y"})"), Notes::document("i1", R"({"slug":"y"})")});
    REQUIRE(failed_with(same, Error::conflict));
    CHECK(same.error().errors == taken("/1/slug"));
    CHECK(failed_with(notes.find("i0"), Error::not_found));
  });
}

void remembered_values(const MakeStore& make) {
  INFO("a value is remembered until it expires, and with the write that it goes with");
  Notes notes(make);
  notes.run([&] {
    const Remember remember{.key = "k", .value = "é\"\n", .now = kCreated, .expires = kLater};
    CHECK_FALSE(notes.store().recall("k", kCreated)->has_value());
    REQUIRE(notes.store().remember(remember).has_value());
    CHECK(**notes.store().recall("k", kCreated) == remember.value);
    CHECK(notes.store().recall("k", kLater - Milliseconds{1})->has_value());
    CHECK_FALSE(notes.store().recall("k", kLater)->has_value());
    CHECK_FALSE(notes.store().recall("K", kCreated)->has_value());
    const Timestamp last = kLater - Milliseconds{1};
    CHECK(
        failed_with(notes.store().remember({.key = "k", .value = "", .now = last, .expires = kMuchLater}), Error::remembered));
    CHECK(**notes.store().recall("k", kCreated) == remember.value);
    REQUIRE(notes.store().remember({.key = "k", .value = "", .now = kLater, .expires = kMuchLater}).has_value());
    CHECK(notes.store().recall("k", kLater)->value() == "");
    REQUIRE(
        notes.insert({Notes::document("n1", "{}")}, Remember{.key = "with", .value = "n1", .now = kCreated, .expires = kLater})
            .has_value());
    CHECK(**notes.store().recall("with", kCreated) == "n1");
    CHECK(failed_with(notes.insert({Notes::document("n1", "{}")},
                                   Remember{.key = "without", .value = "n1", .now = kCreated, .expires = kLater}),
                      Error::conflict));
    CHECK_FALSE(notes.store().recall("without", kCreated)->has_value());
    const std::vector<NewDocument> more{Notes::document("n2", "{}"), Notes::document("n3", "{}")};
    const Remember again{.key = "with", .value = "n2", .now = kCreated, .expires = kLater};
    CHECK(failed_with(notes.insert(more, again), Error::remembered));
    CHECK(failed_with(notes.find("n2"), Error::not_found));
    CHECK(failed_with(notes.find("n3"), Error::not_found));
    CHECK(**notes.store().recall("with", kCreated) == "n1");
  });
  int inserted = 0;
  std::vector<std::function<void()>> bodies;
  for (int i = 0; i < 8; ++i) {
    bodies.emplace_back([&notes, &inserted, i] {
      const std::string id = "race" + std::to_string(i);
      const auto result =
          notes.insert({Notes::document(id, "{}")}, Remember{.key = "race", .value = id, .now = kCreated, .expires = kLater});
      inserted += result ? 1 : 0;
      if (!result) CHECK(result.error().error == Error::remembered);
      CHECK((**notes.store().recall("race", kCreated) == id) == result.has_value());
      CHECK(notes.find(id).has_value() == result.has_value());
    });
  }
  notes.under_test->run_together(bodies);
  CHECK(inserted == 1);
}

void writes_at_the_same_time(const MakeStore& make) {
  INFO("each of the writes that come together has its own outcome, and of those that exclude one another one wins");
  Notes notes(make);
  notes.run([&] { REQUIRE(notes.insert("shared", R"({"a":0,"b":0})")); });
  int replaced = 0;
  int refused = 0;
  std::vector<std::function<void()>> bodies;
  for (int i = 0; i < 64; ++i) {
    bodies.emplace_back([&notes, i] { CHECK(notes.insert("own" + std::to_string(i), "{}")); });
    bodies.emplace_back([&] {
      const auto result = notes.replace("shared", R"({"a":0,"b":0})", at({1}));
      ++(result ? replaced : refused);
      if (!result) CHECK(result.error().error == Error::precondition_failed);
    });
  }
  notes.under_test->run_together(bodies);
  CHECK(replaced == 1);
  CHECK(refused == 63);
  notes.run([&] {
    CHECK(notes.find("shared")->rev == 2);
    for (int i = 0; i < 64; ++i) CHECK(notes.find("own" + std::to_string(i)).has_value());
  });
}

void writes_are_told(const MakeStore& make) {
  INFO("a write tells of its documents before it is answered, and one that is refused of none");
  std::vector<std::string> told;
  Notes notes(make, [&told](std::string_view resource, std::span<const std::string_view> ids) {
    CHECK(fiber::sleep(Milliseconds{0}).has_value());
    for (const std::string_view id : ids) told.push_back(std::string(resource) + '/' + std::string(id));
  });
  const auto told_of = [&told] { return std::exchange(told, {}); };
  using Ids = std::vector<std::string>;
  notes.run([&] {
    REQUIRE(notes.insert({Notes::document("n1", R"({"slug":"a"})"), Notes::document("n2", R"({"slug":"b"})")}).has_value());
    CHECK(told_of() == Ids{"notes/n1", "notes/n2"});
    REQUIRE(notes.insert({Notes::document("n3", "{}")}, Remember{"key", "value", kCreated, kLater}).has_value());
    CHECK(told_of() == Ids{"notes/n3"});
    REQUIRE(notes.replace("n1", R"({"slug":"a"})").has_value());
    CHECK(told_of() == Ids{"notes/n1"});
    REQUIRE(notes.replace("n1", R"({"slug":"a"})", at({2})).has_value());
    CHECK(told_of() == Ids{"notes/n1"});
    REQUIRE(notes.erase("n3").has_value());
    CHECK(told_of() == Ids{"notes/n3"});

    CHECK(failed_with(notes.insert({Notes::document("n1", "{}")}), Error::conflict));
    CHECK(failed_with(notes.insert({Notes::document("n1", "{}")}, Remember{"other", "value", kCreated, kLater}),
                      Error::conflict));
    CHECK(failed_with(notes.replace("n2", R"({"slug":"a"})"), Error::conflict));
    CHECK(failed_with(notes.replace("n2", "{}", at({7})), Error::precondition_failed));
    CHECK(failed_with(notes.replace("n3", "{}"), Error::not_found));
    CHECK(failed_with(notes.replace("n3", "{}", at({1})), Error::not_found));
    CHECK(failed_with(notes.erase("n2", at({7})), Error::precondition_failed));
    CHECK(failed_with(notes.erase("n3"), Error::not_found));
    CHECK(notes.find("n1").has_value());
    CHECK(told_of() == Ids{});

    // What was written before, perhaps nobody told of yet.
    CHECK(failed_with(notes.insert({Notes::document("n4", "{}")}, Remember{"key", "value", kCreated, kLater}),
                      Error::remembered));
    CHECK(told_of() == Ids{"notes/n4"});
  });
}

}  // namespace

void conforms_in_documents(const MakeStore& make) {
  inserts_and_finds(make);
  owners(make);
  replaces_and_erases(make);
  preconditions(make);
  writes_between(make);
  unique_indexes(make);
  ids_are_unique(make);
  many_or_none(make);
  remembered_values(make);
  writes_at_the_same_time(make);
  writes_are_told(make);
  Notes notes(make);
  notes.run([&] { CHECK(notes.store().ping().has_value()); });
}

}  // namespace nacre::store
