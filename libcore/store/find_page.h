#pragma once

#include "store/store.h"

namespace nacre::store {

/// Store::find for a query as a client sent it: values that its cursor left out are read from the document that it names.
/// Error::bad_request when that has changed or is gone.
Result<Page> find_page(Store& store, const config::Resource& resource, query::ListQuery query,
                       const std::optional<std::string>& owner);

}  // namespace nacre::store
