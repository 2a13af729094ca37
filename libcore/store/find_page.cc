#include "store/find_page.h"

#include "json/parse.h"

namespace nacre::store {

Result<Page> find_page(Store& store, const config::Resource& resource, query::ListQuery query,
                       const std::optional<std::string>& owner) {
  if (!query::is_complete(query)) {
    const auto found = store.find_one(resource, std::string_view(query.after.back().get_string()), owner);
    if (!found && found.error().error != Error::not_found) return found.error();
    auto document = found ? parse_json(found->json) : Result<Json>(Json{});
    if (!document) return document.error();
    if (auto completed = query::complete(query, *document); !completed) return completed.error();
  }
  return store.find(resource, query, owner);
}

}  // namespace nacre::store
