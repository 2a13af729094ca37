#pragma once

#include <vector>

#include "base/json.h"
#include "query/list_query.h"

/// MongoDB's meaning of filters, orders and projections over plain JSON, written to be read and not to be fast: what a store's
/// answers are compared with. Documents are as the API shows them.
namespace nacre::store::reference {

bool matches(const query::Filter& filter, const Json& document);

/// The documents that a list without a limit gives, in its order, projected.
std::vector<Json> list(const query::ListQuery& query, const std::vector<Json>& documents);

}  // namespace nacre::store::reference
