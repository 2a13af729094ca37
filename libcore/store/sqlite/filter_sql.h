#pragma once

#include "query/filter.h"
#include "schema/schema.h"
#include "store/sqlite/value.h"

namespace nacre::store::sqlite {

/// A condition on a row of a resource's table that is true for the documents that `filter` selects, else false or NULL.
///
/// A field that the schema gives a scalar type is compared as the bare expression, so that indexes serve it; one that may be an
/// array, or lies below one, is searched with json_each. What a field may hold comes from the schema, so a document that was
/// written under another schema may be missed where its value is of a type that the schema of today does not have.
Sql filter_sql(const query::Filter& filter, const schema::Schema& schema);

}  // namespace nacre::store::sqlite
