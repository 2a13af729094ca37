#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/mongo/to_bson.h"

/// What a write makes of the user's fields of a document that is there, which another program may have written: a value that is
/// shown as it was before keeps the bytes that it has, however little JSON can carry of them. Object members are compared by
/// their names; array elements by their places from the front, as far as nothing changed, then from the back; what is left by
/// what is shown in the same field of any other element.
namespace nacre::store::on_mongo {

/// All fields as a BSON document. `stored`: the document that is there.
std::string merged_fields(const JsonObject& fields, const DateFields& dates, std::string_view stored);

struct Changes {
  std::string fields;             ///< those that are new or changed, as a BSON document
  std::vector<std::string> gone;  ///< names of those that are no more
  bool all = false;               ///< the fields are all that there shall be
};

/// How the fields differ from those that are shown of the stored document.
Changes changed_fields(const JsonObject& fields, const DateFields& dates, std::string_view stored);

}  // namespace nacre::store::on_mongo
