#include "store/things.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "json/parse.h"
#include "query/example.h"
#include "store/document.h"

namespace nacre::store {
namespace {

constexpr Timestamp kCreated{Milliseconds{1'767'225'600'000}};

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) out.append("%").append(1, kHex[c >> 4U]).append(1, kHex[c & 15U]);
  return out;
}

}  // namespace

Things::Things(const MakeStore& make, std::vector<config::Index> indexes) {
  resources_.push_back(query::example_resource());
  resources_.back().indexes = std::move(indexes);
  under_test_ = make(resources_, {});
}

void Things::insert(const std::vector<JsonObject>& fields) {
  std::vector<NewDocument> batch;
  for (const JsonObject& one : fields) {
    const int n = inserted_++;
    batch.push_back({.id = "d" + std::to_string(n), .fields = one, .created = kCreated + Milliseconds{n % 3}, .owner = {}});
    if (n % 3 != 0) batch.back().owner = n % 3 == 1 ? "ann" : "bob";
  }
  const auto stored = store().insert(resource(), batch, {});
  REQUIRE_MESSAGE(stored.has_value(), (stored ? "" : stored.error().detail + stored.error().internal));
  for (const NewDocument& document : batch) documents.push_back(*parse_json(render(document).json));
}

void Things::replace(const std::string& id, const JsonObject& fields) {
  const auto stored = store().replace(resource(), id, fields, kCreated, {});
  REQUIRE(stored.has_value());
  for (Json& document : documents) {
    if (document.at("_id") == Json(id)) document = *parse_json(stored->json);
  }
}

void Things::erase(const std::string& id) {
  REQUIRE(store().erase(resource(), id, {}).has_value());
  std::erase_if(documents, [&](const Json& document) { return document.at("_id") == Json(id); });
}

query::ListQuery Things::query(const Json& where, const std::string& parameters) const {
  std::string text;
  append_json(text, where);
  const auto query = query::parse_list_query("where=" + percent_encoded(text) + "&" + parameters, resource());
  REQUIRE_MESSAGE(query.has_value(), text << parameters << ": " << (query ? "" : query.error().detail));
  return *query;
}

std::vector<Json> Things::list(const Json& where, const std::string& parameters, const std::function<void()>& between) {
  std::vector<Json> all;
  std::string after;
  for (;;) {
    const auto query = this->query(where, parameters + after);
    const auto page = store().find(resource(), query, {});
    REQUIRE_MESSAGE(page.has_value(), query.shape << ": " << (page ? "" : page.error().detail + page.error().internal));
    const Json items = *parse_json(page->items);
    CHECK(items.get_array().size() == page->size);
    CHECK(page->size <= query.limit);
    all.insert(all.end(), items.get_array().begin(), items.get_array().end());
    if (page->next.empty()) return all;
    CHECK(page->size == query.limit);
    REQUIRE(all.size() < 10'000);
    after = "&after=" + query::encode_cursor(resource().name, query, page->next);
    if (between) between();
  }
}

std::vector<std::string> ids_of(const std::vector<Json>& documents) {
  std::vector<std::string> ids;
  for (const Json& document : documents) ids.emplace_back(document.at("_id").get_string());
  return ids;
}

}  // namespace nacre::store
