#include "query/list_query.h"

#include <algorithm>
#include <charconv>

#include "json/parse.h"
#include "query/parameters.h"

namespace nacre::query {
namespace {

Failure failure(std::string_view parameter, std::string_view why) {
  return {Error::bad_request, std::string(parameter) + ": " + std::string(why)};
}

/// "a,b": calls `each` for every part until one fails.
template <class F>
Result<void> for_each_part(std::string_view list, const F& each) {
  for (;;) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (auto done = each(list.substr(0, comma)); !done) return done;
    if (comma == list.size()) return {};
    list.remove_prefix(comma + 1);
  }
}

Result<SortKey> parse_sort_key(std::string_view text, const schema::Schema& schema) {
  SortKey key;
  key.descending = text.starts_with('-');
  if (key.descending) text.remove_prefix(1);
  auto field = find_field(text, schema, "sort");
  if (!field) return field.error();
  const std::uint8_t types = field->field.types & ~schema::kNull;
  if (field->field.through_array || (types & (schema::kArray | schema::kObject)) != 0) {
    return failure("sort", "\"" + shown(text) + "\" may hold an array or an object, which has no order");
  }
  if ((types & schema::kBoolean) != 0 && types != schema::kBoolean) {
    return failure("sort", "\"" + shown(text) + "\" may hold booleans beside other values, which have no common order");
  }
  key.field = std::move(*field);
  return key;
}

Result<void> parse_sort(std::string_view text, const schema::Schema& schema, std::vector<SortKey>& sort) {
  return for_each_part(text, [&](std::string_view part) -> Result<void> {
    auto key = parse_sort_key(part, schema);
    if (!key) return key.error();
    if (sort.size() == kMaxSortKeys) return failure("sort", "at most " + std::to_string(kMaxSortKeys) + " keys are allowed");
    for (const auto& earlier : sort) {
      if (earlier.field.path == key->field.path) return failure("sort", "\"" + shown(key->field.path) + "\" comes twice");
    }
    sort.push_back(std::move(*key));
    return {};
  });
}

/// No two documents have one _id, so it ends the order.
void end_with_id(std::vector<SortKey>& sort) {
  const auto id = std::find_if(sort.begin(), sort.end(), [](const SortKey& key) { return key.field.path == "_id"; });
  if (id != sort.end()) {
    sort.erase(id + 1, sort.end());
    return;
  }
  const bool descending = !sort.empty() && sort.back().descending;
  sort.push_back({.field = {.path = "_id", .field = {.types = schema::kString}, .built_in = true}, .descending = descending});
}

/// Sorted, each once, and none that another one holds.
Result<void> parse_fields(std::string_view text, const schema::Schema& schema, std::vector<std::string>& fields) {
  auto parsed = for_each_part(text, [&](std::string_view part) -> Result<void> {
    auto field = find_field(part, schema, "fields");
    if (!field) return field.error();
    if (fields.size() == kMaxFields) return failure("fields", "at most " + std::to_string(kMaxFields) + " are allowed");
    fields.push_back(std::move(field->path));
    return {};
  });
  if (!parsed) return parsed;
  std::vector<std::string> kept;
  for (const auto& field : fields) {
    const bool held = std::any_of(fields.begin(), fields.end(), [&](const std::string& other) {
      return field.size() > other.size() && field.starts_with(other) && field[other.size()] == '.';
    });
    if (!held) kept.push_back(field);
  }
  kept.emplace_back("_id");
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  fields = std::move(kept);
  return {};
}

Result<void> parse_limit(std::string_view text, std::uint32_t max, std::uint32_t& limit) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error == std::errc{} && end == text.data() + text.size() && limit >= 1 && limit <= max) return {};
  return failure("limit", "must be an integer from 1 to " + std::to_string(max));
}

Result<void> parse_count(std::string_view text, bool& count) {
  count = text == "true";
  if (count || text == "false") return {};
  return failure("count", "must be true or false");
}

struct Texts {
  Json where = JsonObject{};
  std::string_view after;
};

Result<void> parse_where(std::string_view text, const schema::Schema& schema, ListQuery& query, Json& where) {
  auto json = parse_json(text);
  if (!json) return failure("where", json.error().detail);
  auto filter = parse_filter(*json, schema);
  if (!filter) return filter.error();
  query.where = std::move(*filter);
  where = std::move(*json);
  return {};
}

Result<void> parse_parameter(std::string_view name, std::string_view value, const config::Resource& resource, ListQuery& query,
                             Texts& texts) {
  if (name == "where") return parse_where(value, resource.schema, query, texts.where);
  if (name == "sort") return parse_sort(value, resource.schema, query.sort);
  if (name == "fields") return parse_fields(value, resource.schema, query.fields);
  if (name == "limit") return parse_limit(value, resource.page.max_limit, query.limit);
  if (name == "count") return parse_count(value, query.count);
  if (name != "after") return failure(shown(name), "no such parameter; where, sort, fields, limit, after, count are allowed");
  texts.after = value;
  if (value.empty()) return failure("after", "this is no cursor");
  return {};
}

std::string shape_of(const ListQuery& query, const Json& where) {
  JsonArray shape{where};
  JsonArray& sort = shape.emplace_back(JsonArray{}).get_array();
  for (const auto& key : query.sort) sort.emplace_back((key.descending ? "-" : "") + key.field.path);
  JsonArray& fields = shape.emplace_back(JsonArray{}).get_array();
  for (const auto& field : query.fields) fields.emplace_back(field);
  std::string text;
  append_json(text, shape);
  return text;
}

}  // namespace

Result<ListQuery> parse_list_query(std::string_view raw_query, const config::Resource& resource) {
  const auto parameters = parse_parameters(raw_query);
  if (!parameters) return parameters.error();
  ListQuery query;
  query.limit = resource.page.default_limit;
  Texts texts;
  for (const auto& [name, value] : *parameters) {
    if (auto parsed = parse_parameter(name, value, resource, query, texts); !parsed) return parsed.error();
  }
  end_with_id(query.sort);
  query.shape = shape_of(query, texts.where);
  if (!texts.after.empty()) {
    auto after = decode_cursor(texts.after, resource.name, query);
    if (!after) return after.error();
    query.after = std::move(*after);
  }
  return query;
}

}  // namespace nacre::query
