// The input is two JSON texts, one on each line: a document and what it is patched with. Neither form of patch may fail other
// than it says, or give what no document may be.
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

/// Reading it back checks the depth as well.
void require_document(const nacre::Json& value) {
  const auto again = nacre::parse_json(nacre::json_text(value));
  require(again.has_value());
  require(nacre::compare_json(*again, value) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const auto document = nacre::parse_json(text.substr(0, line));
  const auto patch = nacre::parse_json(text.substr(line + 1));
  if (!document || !patch) return 0;

  const nacre::Json merged = nacre::merge_patch(*document, *patch);
  require_document(merged);
  require(nacre::compare_json(nacre::merge_patch(merged, *patch), merged) == 0);

  const auto patched = nacre::apply_json_patch(*document, *patch);
  if (patched) {
    require_document(*patched);
    require(nacre::json_text(*patched).size() <= 8 * (nacre::kMaxPatchCarried + size));
    return 0;
  }
  const nacre::Failure failure = patched.error();
  require(failure.error == nacre::Error::bad_request || failure.error == nacre::Error::conflict ||
          failure.error == nacre::Error::unprocessable);
  require(!failure.detail.empty());
  return 0;
}
