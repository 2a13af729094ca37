#pragma once

#include <optional>
#include <string>

#include "base/short_text.h"
#include "base/time.h"

namespace nacre::http {

/// The body of an answer and the validators that it is sent with (RFC 9110 §8): what a cache keeps of it.
struct Representation {
  std::string body;
  ShortText etag;  ///< with its quotes; empty: none
  std::optional<HttpDate> last_modified;
};

}  // namespace nacre::http
