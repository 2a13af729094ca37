#pragma once

#include "metrics/recorder.h"
#include "store/store.h"

namespace nacre::metrics {

/// A store whose operations are counted and timed, waiting included.
class MeteredStore final : public store::Store {
 public:
  MeteredStore(store::Store& store, Recorder& recorder) : store_(store), recorder_(recorder) {}

  Result<store::Document> find_one(const config::Resource& resource, std::string_view id,
                                   const std::optional<std::string>& owner) override;
  Result<store::Document> find_newest(const config::Resource& resource, std::string_view id,
                                      const std::optional<std::string>& owner) override;
  Result<store::Page> find(const config::Resource& resource, const query::ListQuery& query,
                           const std::optional<std::string>& owner) override;
  Result<void> insert(const config::Resource& resource, std::vector<store::NewDocument> documents,
                      const std::optional<store::Remember>& remember) override;
  Result<store::Document> replace(const config::Resource& resource, std::string_view id, store::Fields fields,
                                  Timestamp updated, const store::Precondition& precondition) override;
  Result<void> erase(const config::Resource& resource, std::string_view id, const store::Precondition& precondition) override;
  Result<std::optional<std::string>> recall(std::string_view key, Timestamp now) override;
  Result<void> remember(const store::Remember& value) override;
  void prepare(std::span<const config::Resource> resources) override { store_.prepare(resources); }
  Result<void> ping() override;

 private:
  store::Store& store_;
  Recorder& recorder_;
};

}  // namespace nacre::metrics
