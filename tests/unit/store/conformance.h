#pragma once

#include <functional>
#include <memory>
#include <span>

#include "config/config.h"
#include "store/store.h"

namespace nacre::store {

/// A store, empty at first, and the loop that its calls run on.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual Store& store() = 0;
  /// Runs `body` on a fiber, to its end.
  virtual void run(const std::function<void()>& body) = 0;
  /// Runs all of them at the same time, each on a fiber.
  virtual void run_together(std::span<const std::function<void()>> bodies) = 0;
};

/// Makes one that serves `resources`, which outlive it.
using MakeStore = std::function<std::unique_ptr<StoreUnderTest>(std::span<const config::Resource> resources, Written written)>;

/// What every store must do: call each in a TEST_CASE of its own.
void conforms_in_documents(const MakeStore& make);  ///< single documents, preconditions, unique indexes, remembered values
void conforms_in_filters(const MakeStore& make);    ///< each operator, against examples and a reference
/// Orders, pages, projections, totals; documents that change meanwhile. `lists`: how many are walked through, fewer of a slow
/// server.
void conforms_in_paging(const MakeStore& make, int lists = 60);

}  // namespace nacre::store
