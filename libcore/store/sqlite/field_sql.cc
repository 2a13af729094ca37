#include "store/sqlite/field_sql.h"

#include <algorithm>

#include "base/time.h"
#include "store/sqlite/stored_text.h"

namespace nacre::store::sqlite {

std::string_view column_of(std::string_view built_in) { return built_in.substr(1); }

std::string json_path(std::string_view dotted) {
  std::string path = "$";
  for (;;) {
    const std::size_t dot = std::min(dotted.find('.'), dotted.size());
    path.append(".\"").append(to_stored(dotted.substr(0, dot))).append("\"");
    if (dot == dotted.size()) break;
    dotted.remove_prefix(dot + 1);
  }
  return in_quotes(path, '\'');
}

std::string expression(const query::FieldRef& field) {
  if (field.built_in) return std::string(column_of(field.path));
  return "json_extract(doc, " + json_path(field.path) + ")";
}

Value to_value(const Json& value, const query::FieldRef& field) {
  switch (value.kind()) {
    case boost::json::kind::bool_:
      return std::int64_t{value.get_bool()};
    case boost::json::kind::int64:
      return value.get_int64();
    case boost::json::kind::double_:
      return value.get_double();
    case boost::json::kind::string: {
      const std::string_view text = value.get_string();
      if (!field.built_in || !field.field.date_time) return to_stored(text);
      const auto moment = parse_rfc3339(text);
      if (!moment) return {};
      return std::int64_t{moment->time_since_epoch().count()};
    }
    default:
      return {};
  }
}

}  // namespace nacre::store::sqlite
