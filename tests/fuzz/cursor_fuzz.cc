#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "../unit/query/example.h"
#include "query/list_query.h"

// Query strings, and in them cursors: what is taken is within its limits and means the same when it is written again.
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacre;  // NOLINT(google-build-using-namespace): a program of one file
  static const config::Resource resource = query::example_resource();
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const auto query = query::parse_list_query(text, resource);
  if (query) {
    require(query->limit >= 1 && query->limit <= resource.page.max_limit);
    require(query->sort.size() <= query::kMaxSortKeys + 1 && query->sort.back().field.path == "_id");
    require(query->after.empty() || query->after.size() == query->sort.size());
  } else {
    require(query.error().error == Error::bad_request && !query.error().detail.empty());
  }

  static const auto sorted = query::parse_list_query("sort=title,-stars,_created", resource);
  const auto keys = query::decode_cursor(text, resource.name, *sorted);
  if (keys) {
    require(keys->size() == sorted->sort.size());
    require(query::encode_cursor(resource.name, *sorted, *keys) == text);
  }
  // What a store gives comes back.
  const std::vector<Json> own{"a\"b", static_cast<std::int64_t>(size), "2026-01-02T03:04:05.006Z", "x"};
  const auto back = query::decode_cursor(query::encode_cursor(resource.name, *sorted, own), resource.name, *sorted);
  require(back && *back == own);
  return 0;
}
