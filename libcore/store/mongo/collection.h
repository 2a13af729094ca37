#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fiber/fiber.h"
#include "store/mongo/indexes.h"
#include "store/mongo/to_bson.h"

namespace nacre::store::on_mongo {

/// A resource's collection as this worker knows it. The loop's, and shared with writes that outlive their fibers.
struct Collection {
  explicit Collection(const config::Resource& resource)
      : name(resource.name), plan(plan_collection(resource)), dates(resource.schema) {
    if (!plan.has_unique()) writable.set();
  }

  std::string name;
  CollectionPlan plan;
  DateFields dates;
  fiber::Event writable;  ///< set once it is known whether its unique indexes are there, so that no write can pass them by
  std::string closed{};   ///< to what is created and replaced: why one of them can't be made
};

}  // namespace nacre::store::on_mongo
