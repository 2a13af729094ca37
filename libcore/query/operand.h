#pragma once

#include "base/error.h"
#include "base/json.h"
#include "schema/schema.h"

namespace nacre::query {

/// A client's value as the operand of a comparison with `field`: dates in the form of format_rfc3339. Error::bad_request, whose
/// detail says why it can't be compared, for arrays, objects, and what is no date where the field is one.
Result<Json> check_operand(const Json& value, const schema::Field& field);

}  // namespace nacre::query
