#pragma once

#include "cache/remote_tier.h"
#include "fiber/fiber.h"
#include "store/store.h"

namespace nacre::cache {

/// A store whose writes end what the remote tier knows of them, before they are answered. A write whose end nobody saw (its
/// fiber stopped waiting) may come later: then that is done once more, when it must be over.
class InvalidatingStore final : public store::Store {
 public:
  InvalidatingStore(store::Store& store, RemoteTier& tier, fiber::Scheduler& scheduler, Milliseconds store_timeout)
      : store_(store), tier_(tier), scheduler_(scheduler), store_timeout_(store_timeout) {}

  Result<store::Document> find_one(const config::Resource& resource, std::string_view id,
                                   const std::optional<std::string>& owner) override {
    return store_.find_one(resource, id, owner);
  }
  Result<store::Document> find_newest(const config::Resource& resource, std::string_view id,
                                      const std::optional<std::string>& owner) override {
    return store_.find_newest(resource, id, owner);
  }
  Result<store::Page> find(const config::Resource& resource, const query::ListQuery& query,
                           const std::optional<std::string>& owner) override {
    return store_.find(resource, query, owner);
  }
  Result<void> insert(const config::Resource& resource, std::vector<store::NewDocument> documents,
                      const std::optional<store::Remember>& remember) override;
  Result<store::Document> replace(const config::Resource& resource, std::string_view id, store::Fields fields,
                                  Timestamp updated, const store::Precondition& precondition) override;
  Result<void> erase(const config::Resource& resource, std::string_view id, const store::Precondition& precondition) override;
  Result<std::optional<std::string>> recall(std::string_view key, Timestamp now) override { return store_.recall(key, now); }
  Result<void> remember(const store::Remember& value) override { return store_.remember(value); }
  void prepare(std::span<const config::Resource> resources) override { store_.prepare(resources); }
  Result<void> ping() override { return store_.ping(); }

 private:
  /// After a write of `resource`; `id` is empty for an insertion, of which no answer can be cached yet.
  template <class T>
  Result<T> written(Result<T> result, const config::Resource& resource, std::string_view id);

  store::Store& store_;
  RemoteTier& tier_;
  fiber::Scheduler& scheduler_;
  Milliseconds store_timeout_;
};

}  // namespace nacre::cache
