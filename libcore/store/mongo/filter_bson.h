#pragma once

#include "query/filter.h"
#include "store/mongo/id.h"

namespace nacre::store::on_mongo {

/// The elements of a query document that selects what `filter` does. Only field names of the schema and operators become names.
void write_filter(BsonWriter& bson, const query::Filter& filter);

/// A value that a field is compared with, as the store has it: dates, ObjectIds.
void write_operand(BsonWriter& bson, std::string_view name, const Json& value, const query::FieldRef& field);

}  // namespace nacre::store::on_mongo
