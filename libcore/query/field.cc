#include <algorithm>
#include <array>

#include "query/filter.h"

namespace nacre::query {
namespace {

constexpr std::size_t kShown = 80;

struct BuiltIn {
  std::string_view name;
  schema::Field field;
};

constexpr std::array<BuiltIn, 5> kBuiltIn{{
    {"_id", {.types = schema::kString}},
    {"_rev", {.types = schema::kInteger}},
    {"_created", {.types = schema::kString, .date_time = true}},
    {"_updated", {.types = schema::kString, .date_time = true}},
    {"_owner", {.types = schema::kString | schema::kNull}},
}};

/// Characters that JSON writes as escapes: a store may compare names as they are written.
bool needs_escape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

}  // namespace

std::string shown(std::string_view text) {
  if (text.size() <= kShown) return std::string(text);
  std::size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

Result<FieldRef> find_field(std::string_view path, const schema::Schema& schema, std::string_view parameter) {
  for (const auto& built_in : kBuiltIn) {
    if (built_in.name == path) return FieldRef{.path = std::string(path), .field = built_in.field, .built_in = true};
  }
  if (std::none_of(path.begin(), path.end(), needs_escape)) {
    if (auto field = schema.field(path)) return FieldRef{.path = std::string(path), .field = *field};
  }
  return Failure(Error::bad_request, std::string(parameter) + ": there is no field \"" + shown(path) + "\"");
}

}  // namespace nacre::query
