// What is JSON to us is JSON to Boost.JSON as well, and what we write of it reads back equal.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "json/compare.h"
#include "json/parse.h"
#include "json/patch.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t depth(const nacre::Json& value) {
  std::size_t deepest = 0;
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) deepest = std::max(deepest, depth(item));
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) deepest = std::max(deepest, depth(member.value()));
  } else {
    return 0;
  }
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto value = nacre::parse_json(text);
  boost::json::error_code ec;
  boost::json::parse_options options;
  options.max_depth = nacre::kMaxJsonDepth;
  const auto reference = boost::json::parse(text, ec, {}, options);
  if (!value) {
    const nacre::Failure failure = value.error();
    require(failure.error == nacre::Error::bad_request || failure.error == nacre::Error::unprocessable);
    require(!failure.detail.empty());
    return 0;
  }
  require(!ec);
  require(depth(*value) <= nacre::kMaxJsonDepth);

  const std::string written = nacre::json_text(*value);
  const auto again = nacre::parse_json(written);
  require(again.has_value());
  require(*again == *value);
  require(nacre::json_text(*again) == written);
  require(nacre::compare_json(*again, *value) == 0);
  require(depth(nacre::merge_patch(*value, *value)) <= nacre::kMaxJsonDepth);
  return 0;
}
