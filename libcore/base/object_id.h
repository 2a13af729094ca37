#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace nacre {

/// A new ObjectId as 24 lower-case hex digits: 4 bytes of seconds, 5 random ones of this process, 3 of a counter (the layout of
/// BSON's ObjectId), so that ids of one process sort by their age. The loop's thread only.
std::string make_object_id(Timestamp now);

/// True for what a client may use as `_id`: 1 to 64 of `A-Za-z0-9_.~-`, but neither `.` nor `..`.
bool is_document_id(std::string_view text) noexcept;

}  // namespace nacre
