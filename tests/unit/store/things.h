#pragma once

#include <string>
#include <vector>

#include "store/conformance.h"

namespace nacre::store {

/// A store that holds documents of the resource of query/example.h, and the same documents as plain JSON. Everything but `run`
/// is called on a fiber.
class Things {
 public:
  explicit Things(const MakeStore& make, std::vector<config::Index> indexes = {});

  const config::Resource& resource() const { return resources_.front(); }
  void run(const std::function<void()>& body) { under_test_->run(body); }
  Store& store() { return under_test_->store(); }

  void insert(const std::vector<JsonObject>& documents);
  void replace(const std::string& id, const JsonObject& fields);
  void erase(const std::string& id);

  /// A checked list request from its parameters, written as they are.
  query::ListQuery query(const Json& where, const std::string& parameters = {}) const;
  /// All pages from the first on; `pages` counts them. `between` is called after each.
  std::vector<Json> list(const Json& where, const std::string& parameters = {}, const std::function<void()>& between = {});

  std::vector<Json> documents;  ///< as the API shows them

 private:
  std::vector<config::Resource> resources_;
  std::unique_ptr<StoreUnderTest> under_test_;
  int inserted_ = 0;
};

std::vector<std::string> ids_of(const std::vector<Json>& documents);

}  // namespace nacre::store
