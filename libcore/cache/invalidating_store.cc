#include "cache/invalidating_store.h"

#include <string>

namespace nacre::cache {

namespace {

/// Whether a write that failed so may have changed something, or may still do.
bool may_have_written(Error error) {
  return error == Error::deadline || error == Error::cancelled || error == Error::unavailable || error == Error::internal;
}

void invalidate(RemoteTier& tier, std::string_view resource, std::string_view id) {
  tier.invalidate(resource, id.empty() ? std::span<const std::string_view>() : std::span(&id, 1));
}

}  // namespace

template <class T>
Result<T> InvalidatingStore::written(Result<T> result, const config::Resource& resource, std::string_view id) {
  if (result) {
    invalidate(tier_, resource.name, id);
  } else if (may_have_written(result.error().error)) {
    // On a fiber of its own, for this one may be at its end; and once more, when the write must be over.
    (void)scheduler_.start(scheduler_.reactor().now() + 3 * store_timeout_, [this, name = resource.name, id = std::string(id)] {
      invalidate(tier_, name, id);
      if (fiber::sleep(store_timeout_)) invalidate(tier_, name, id);
    });
  }
  return result;
}

Result<void> InvalidatingStore::insert(const config::Resource& resource, std::vector<store::NewDocument> documents,
                                       const std::optional<store::Remember>& remember) {
  return written(store_.insert(resource, std::move(documents), remember), resource, {});
}

Result<store::Document> InvalidatingStore::replace(const config::Resource& resource, std::string_view id, store::Fields fields,
                                                   Timestamp updated, const store::Precondition& precondition) {
  return written(store_.replace(resource, id, std::move(fields), updated, precondition), resource, id);
}

Result<void> InvalidatingStore::erase(const config::Resource& resource, std::string_view id,
                                      const store::Precondition& precondition) {
  return written(store_.erase(resource, id, precondition), resource, id);
}

}  // namespace nacre::cache
