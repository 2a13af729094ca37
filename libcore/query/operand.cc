#include "query/operand.h"

#include "base/time.h"

namespace nacre::query {
namespace {

std::uint8_t type_of(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return schema::kNull;
    case boost::json::kind::bool_:
      return schema::kBoolean;
    case boost::json::kind::string:
      return schema::kString;
    default:
      return schema::kInteger | schema::kNumber;
  }
}

Result<Json> check_date(const Json& value, std::uint8_t types) {
  if (value.is_null() || (!value.is_string() && (types & type_of(value)) != 0)) return value;
  if (value.is_string()) {
    if (auto moment = parse_rfc3339(value.get_string())) return Json(format_rfc3339(*moment));
  }
  return Failure(Error::bad_request, "must be an RFC 3339 date-time such as 2026-01-31T12:00:00Z");
}

}  // namespace

Result<Json> check_operand(const Json& value, const schema::Field& field) {
  if (value.is_structured()) {
    return Failure(Error::bad_request,
                   "an array or object can't be compared as a whole; compare its fields (a.b), or use $all, $size, $elemMatch");
  }
  if (value.is_uint64()) return Failure(Error::bad_request, "an integer outside of 64 bits can't be compared");
  if (field.date_time || field.item_date_time) return check_date(value, field.types | field.item_types);
  return value;
}

}  // namespace nacre::query
