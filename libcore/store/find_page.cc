#include "store/find_page.h"

#include "json/parse.h"

namespace nacre::store {
namespace {

/// The id that a cursor ends with, as the API shows it; "" for what no store gives.
std::string id_of(const Json& key) {
  const Json* id = &key;
  if (const JsonObject* const object = key.if_object()) id = object->if_contains("shown");
  return id != nullptr && id->is_string() ? std::string(id->get_string()) : std::string();
}

}  // namespace

Result<Page> find_page(Store& store, const config::Resource& resource, query::ListQuery query,
                       const std::optional<std::string>& owner) {
  if (!query::is_complete(query)) {
    const auto found = store.find_one(resource, id_of(query.after.back()), owner);
    if (!found && found.error().error != Error::not_found) return found.error();
    auto document = found ? parse_json(found->json) : Result<Json>(Json{});
    if (!document) return document.error();
    if (auto completed = query::complete(query, *document); !completed) return completed.error();
  }
  return store.find(resource, query, owner);
}

}  // namespace nacre::store
