#pragma once

#include <boost/json.hpp>

namespace nacre {

/// JSON is the currency of libcore; the name `nacre::json` belongs to applications (app/nacre/app.h).
using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

}  // namespace nacre
