#include "metrics/metered_store.h"

namespace nacre::metrics {

namespace {

using Operation = StoreOperation;

template <class Call>
auto measured(Recorder& recorder, Operation operation, Call call) {
  const auto began = std::chrono::steady_clock::now();
  auto result = call();
  const std::optional<Error> error = result ? std::nullopt : std::optional(result.error().error);
  recorder.stored(operation, error, std::chrono::steady_clock::now() - began);
  return result;
}

}  // namespace

Result<store::Document> MeteredStore::find_one(const config::Resource& resource, std::string_view id,
                                               const std::optional<std::string>& owner) {
  return measured(recorder_, Operation::find_one, [&] { return store_.find_one(resource, id, owner); });
}

Result<store::Document> MeteredStore::find_newest(const config::Resource& resource, std::string_view id,
                                                  const std::optional<std::string>& owner) {
  return measured(recorder_, Operation::find_one, [&] { return store_.find_newest(resource, id, owner); });
}

Result<store::Page> MeteredStore::find(const config::Resource& resource, const query::ListQuery& query,
                                       const std::optional<std::string>& owner) {
  return measured(recorder_, Operation::find, [&] { return store_.find(resource, query, owner); });
}

Result<void> MeteredStore::insert(const config::Resource& resource, std::vector<store::NewDocument> documents,
                                  const std::optional<store::Remember>& remember) {
  return measured(recorder_, Operation::insert, [&] { return store_.insert(resource, std::move(documents), remember); });
}

Result<store::Document> MeteredStore::replace(const config::Resource& resource, std::string_view id, store::Fields fields,
                                              Timestamp updated, const store::Precondition& precondition) {
  return measured(recorder_, Operation::replace,
                  [&] { return store_.replace(resource, id, std::move(fields), updated, precondition); });
}

Result<void> MeteredStore::erase(const config::Resource& resource, std::string_view id,
                                 const store::Precondition& precondition) {
  return measured(recorder_, Operation::erase, [&] { return store_.erase(resource, id, precondition); });
}

Result<std::optional<std::string>> MeteredStore::recall(std::string_view key, Timestamp now) {
  return measured(recorder_, Operation::recall, [&] { return store_.recall(key, now); });
}

Result<void> MeteredStore::remember(const store::Remember& value) {
  return measured(recorder_, Operation::remember, [&] { return store_.remember(value); });
}

Result<void> MeteredStore::ping() {
  return measured(recorder_, Operation::ping, [&] { return store_.ping(); });
}

}  // namespace nacre::metrics
