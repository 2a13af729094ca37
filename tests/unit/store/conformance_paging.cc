#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "json/parse.h"
#include "store/conformance.h"
#include "store/random.h"
#include "store/reference.h"
#include "store/things.h"

namespace nacre::store {
namespace {

std::vector<config::Index> some_indexes() {
  return {{.keys = {{.path = "title"}}},
          {.keys = {{.path = "stars", .descending = true}, {.path = "title"}}},
          {.keys = {{.path = "author.name"}, {.path = "pinned", .descending = true}}},
          {.keys = {{.path = "_created"}}}};
}

std::vector<JsonObject> documents_of(Random& random, int count) {
  std::vector<JsonObject> documents;
  documents.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) documents.push_back(random.document());
  return documents;
}

std::string parameters_of(Random& random) {
  const std::string sort = random.sort();
  return (sort.empty() ? "" : "sort=" + sort + "&") + "limit=" + std::to_string(random.chance(5) ? 1 : 5 + random.number(40));
}

void pages_are_the_whole(const MakeStore& make, bool indexed, int lists) {
  INFO("the pages of a list, one after another, are the list in its order");
  Things things(make, indexed ? some_indexes() : std::vector<config::Index>{});
  Random random(7);
  things.run([&] {
    things.insert(documents_of(random, 120));
    for (int i = 0; i < lists; ++i) {
      const Json where = random.chance(60) ? Json(JsonObject{}) : random.filter();
      const std::string parameters = parameters_of(random);
      CAPTURE(where);
      CAPTURE(parameters);
      CHECK(ids_of(things.list(where, parameters)) ==
            ids_of(reference::list(things.query(where, parameters), things.documents)));
    }
  });
}

void others_may_change(const MakeStore& make, int lists) {
  INFO("a document that does not change is on one page, whatever happens to the others meanwhile");
  Things things(make, some_indexes());
  Random random(11);
  things.run([&] {
    things.insert(documents_of(random, 120));
    for (int i = 0; i < lists / 5; ++i) {
      const std::string parameters = parameters_of(random);
      CAPTURE(parameters);
      std::set<std::string> changed;
      const auto ids_before = ids_of(things.documents);
      const auto found = ids_of(things.list(JsonObject{}, parameters, [&] {
        things.insert(documents_of(random, 1));
        const std::string& replaced = ids_before[random.number(ids_before.size())];
        if (changed.insert(replaced).second) things.replace(replaced, random.document());
        const std::string& erased = ids_before[random.number(ids_before.size())];
        if (things.documents.size() > 100 && changed.insert(erased).second) things.erase(erased);
      }));
      for (const auto& id : ids_before) {
        if (!changed.contains(id)) CHECK(std::count(found.begin(), found.end(), id) == 1);
      }
    }
  });
}

void fields_are_chosen(const MakeStore& make) {
  INFO("a list of fields gives these and _id, also below arrays");
  Things things(make);
  Random random(13);
  things.run([&] {
    things.insert(documents_of(random, 60));
    for (const char* fields : {"title", "_id", "_rev,title", "author.name", "items.name", "items.parts.id,items.n", "anything",
                               "items,_created,_updated,_owner", "author.age,author.name,pinned,it's", "tags,dates"}) {
      CAPTURE(fields);
      const std::string parameters = "fields=" + std::string(fields);
      CHECK(things.list(JsonObject{}, parameters) == reference::list(things.query(JsonObject{}, parameters), things.documents));
    }
  });
}

void totals_and_owners(const MakeStore& make) {
  INFO("a total counts what the filter selects, and an owner sees only what is theirs");
  Things things(make);
  Random random(17);
  things.run([&] {
    things.insert(documents_of(random, 90));
    const auto query = things.query(JsonObject{}, "limit=10&count=true");
    const auto page = things.store().find(things.resource(), query, {});
    REQUIRE(page.has_value());
    CHECK(page->total == 90);
    CHECK(page->size == 10);
    const auto of_ann = things.store().find(things.resource(), query, "ann");
    REQUIRE(of_ann.has_value());
    CHECK(of_ann->total == 30);
    const Json items = *parse_json(of_ann->items);
    for (const Json& item : items.get_array()) CHECK(item.at("_owner") == Json("ann"));
    const auto of_nobody = things.store().find(things.resource(), query, "nobody");
    REQUIRE(of_nobody.has_value());
    CHECK(of_nobody->items == "[]");
    CHECK(of_nobody->next.empty());
    CHECK(of_nobody->total == 0);
    CHECK_FALSE(things.store().find(things.resource(), things.query(JsonObject{}), {})->total.has_value());
  });
}

void last_page_is_known(const MakeStore& make) {
  INFO("a full page is the last one when nothing follows");
  Things things(make);
  Random random(19);
  things.run([&] {
    CHECK(things.store().find(things.resource(), things.query(JsonObject{}), {})->items == "[]");
    things.insert(documents_of(random, 20));
    CHECK(things.store().find(things.resource(), things.query(JsonObject{}, "limit=20"), {})->next.empty());
    CHECK_FALSE(things.store().find(things.resource(), things.query(JsonObject{}, "limit=19"), {})->next.empty());
  });
}

}  // namespace

void conforms_in_paging(const MakeStore& make, int lists) {
  pages_are_the_whole(make, false, lists);
  pages_are_the_whole(make, true, lists);
  others_may_change(make, lists);
  fields_are_chosen(make);
  totals_and_owners(make);
  last_page_is_known(make);
}

}  // namespace nacre::store
