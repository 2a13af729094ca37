#include "store/sqlite/filter_sql.h"

#include <algorithm>

#include "json/parse.h"
#include "store/sqlite/field_sql.h"
#include "store/sqlite/stored_text.h"

namespace nacre::store::sqlite {
namespace {

using query::Filter;
using Kind = Filter::Kind;

constexpr std::uint8_t kNumeric = schema::kInteger | schema::kNumber;
constexpr std::uint8_t kStructured = schema::kArray | schema::kObject;

/// One value, which is not looked into: SQL for it and for the name of its JSON type (NULL when it is missing), and the types
/// that it may have.
struct Place {
  std::string value;
  std::string type;
  std::uint8_t types = schema::kAny;
};

/// What paths start from: a JSON text in SQL, and where in the schema that is ("" for the document).
struct Base {
  std::string document = "doc";
  std::string path{};
};

std::string_view comparison(Kind kind) {
  switch (kind) {
    case Kind::gt:
      return " > ";
    case Kind::gte:
      return " >= ";
    case Kind::lt:
      return " < ";
    case Kind::lte:
      return " <= ";
    default:
      return " = ";
  }
}

/// An operand. A double passes through SQLite's own reader of JSON, so that equal texts give equal numbers.
Sql operand(const Json& value, const query::FieldRef& field) {
  Sql sql;
  if (!value.is_double()) return sql.bind(to_value(value, field));
  std::string text;
  append_json(text, value);
  sql << "json_extract(";
  return sql.bind(std::move(text)) << ", '$')";
}

/// SQLite's order is NULL, numbers, text; only values of one JSON type are to be compared. Booleans come as numbers, arrays and
/// objects as text, so the type is asked for where the schema allows such a mixture.
Sql number_condition(Kind kind, const Json& value, const Place& place, const query::FieldRef& field) {
  Sql sql;
  if ((place.types & kNumeric) == 0) return sql << "0";
  sql << place.value << comparison(kind) << operand(value, field);
  if (kind == Kind::gt || kind == Kind::gte) sql << " AND " << place.value << " < ''";
  if ((place.types & schema::kBoolean) != 0) sql << " AND " << place.type << " IN ('integer', 'real')";
  return sql;
}

Sql string_condition(Kind kind, const Json& value, const Place& place, const query::FieldRef& field) {
  Sql sql;
  if ((place.types & schema::kString) == 0) return sql << "0";
  sql << place.value << comparison(kind) << operand(value, field);
  if (!field.built_in && (kind == Kind::lt || kind == Kind::lte)) sql << " AND " << place.value << " >= ''";
  if ((place.types & kStructured) != 0) sql << " AND " << place.type << " = 'text'";
  return sql;
}

Sql boolean_condition(Kind kind, const Json& value, const Place& place, const query::FieldRef& field) {
  Sql sql;
  if ((place.types & schema::kBoolean) == 0) return sql << "0";
  sql << place.value << comparison(kind) << operand(value, field);
  if ((place.types & ~(schema::kBoolean | schema::kNull)) != 0) sql << " AND " << place.type << " IN ('true', 'false')";
  return sql;
}

Sql compare(Kind kind, const Json& value, const Place& place, const query::FieldRef& field) {
  if (value.is_null()) return Sql{place.value + " IS NULL"};
  if (value.is_bool()) return boolean_condition(kind, value, place, field);
  if (value.is_string()) return string_condition(kind, value, place, field);
  return number_condition(kind, value, place, field);
}

Sql prefix_condition(const std::string& literal, const Place& place) {
  Sql sql;
  if ((place.types & schema::kString) == 0) return sql << "0";
  sql << place.value << " >= ";
  sql.bind(to_stored(literal)) << " AND " << place.value << " < ";
  sql.bind(to_stored(literal) + "\xFF");  // above every byte of UTF-8
  if ((place.types & kStructured) != 0) sql << " AND " << place.type << " = 'text'";
  return sql;
}

/// A list of numbers or of strings as one parameter, so that its length does not change the statement.
Sql list_condition(const std::vector<const Json*>& values, const Place& place, const query::FieldRef& field) {
  if (values.size() == 1) return compare(Kind::eq, *values.front(), place, field);
  JsonArray list;
  for (const Json* value : values) {
    const Value bound = to_value(*value, field);
    const auto* date = std::get_if<std::int64_t>(&bound);  // of a built-in field
    const auto* stored = std::get_if<std::string>(&bound);
    list.push_back(date != nullptr ? Json(*date) : stored != nullptr ? Json(*stored) : *value);
  }
  std::string text;
  append_json(text, list);
  Sql sql{place.value + " IN (SELECT value FROM json_each("};
  sql.bind(std::move(text)) << "))";
  const bool numbers = values.front()->is_number();
  if (numbers && (place.types & schema::kBoolean) != 0) sql << " AND " << place.type << " IN ('integer', 'real')";
  if (!numbers && (place.types & kStructured) != 0) sql << " AND " << place.type << " = 'text'";
  return sql;
}

Sql join(const std::vector<Sql>& parts, std::string_view between, std::string_view when_empty) {
  if (parts.empty()) return Sql{std::string(when_empty)};
  Sql sql;
  for (std::size_t i = 0; i < parts.size(); ++i) sql << (i == 0 ? "((" : between) << parts[i];
  return sql << "))";
}

Sql in_condition(const Filter& filter, const Place& place) {
  std::vector<const Json*> numbers;
  std::vector<const Json*> strings;
  std::vector<Sql> parts;
  bool null = false;
  for (const Json& value : filter.values) {
    if (value.is_number()) {
      if ((place.types & kNumeric) != 0) numbers.push_back(&value);
    } else if (value.is_string()) {
      if ((place.types & schema::kString) != 0) strings.push_back(&value);
    } else if (value.is_bool() || !null) {
      null = null || value.is_null();
      parts.push_back(compare(Kind::eq, value, place, filter.field));
    }
  }
  if (!numbers.empty()) parts.push_back(list_condition(numbers, place, filter.field));
  if (!strings.empty()) parts.push_back(list_condition(strings, place, filter.field));
  return join(parts, ") OR (", "0");
}

/// A condition on one value, which is not searched as an array.
Sql single(const Filter& filter, const Place& place) {
  if (filter.kind == Kind::in) return in_condition(filter, place);
  if (filter.kind == Kind::prefix) return prefix_condition(std::string(filter.values.front().get_string()), place);
  return compare(filter.kind, filter.values.front(), place, filter.field);
}

Sql negated(const Sql& condition) {
  Sql sql{"("};
  return sql << condition << ") IS NOT TRUE";
}

class Compiler {
 public:
  explicit Compiler(const schema::Schema& schema) : schema_(schema) {}

  /// `base`: what paths are below. `element`: what an empty path means.
  Sql compile(const Filter& filter, const Base& base, const Place* element) {
    switch (filter.kind) {
      case Kind::everything:
        return Sql{"1"};
      case Kind::conjunction:
        return all_of(filter, base, element, ") AND (", "1");
      case Kind::disjunction:
        return all_of(filter, base, element, ") OR (", "0");
      case Kind::nor:
        return negated(all_of(filter, base, element, ") OR (", "0"));
      case Kind::negation:
        return negated(compile(filter.children.front(), base, element));
      case Kind::ne:
        return negated(positive(Kind::eq, filter, base, element));
      case Kind::nin:
        return negated(positive(Kind::in, filter, base, element));
      case Kind::all:
        return each_value(filter, base, element);
      case Kind::exists: {
        Sql sql = positive(Kind::exists, filter, base, element);
        return filter.values.front().get_bool() ? sql : negated(sql);
      }
      default:
        return positive(filter.kind, filter, base, element);
    }
  }

 private:
  Sql all_of(const Filter& filter, const Base& base, const Place* element, std::string_view between, std::string_view empty) {
    std::vector<Sql> parts;
    for (const Filter& child : filter.children) parts.push_back(compile(child, base, element));
    return join(parts, between, empty);
  }

  Sql each_value(const Filter& filter, const Base& base, const Place* element) {
    std::vector<Sql> parts;
    for (const Json& value : filter.values) {
      parts.push_back(condition({.kind = Kind::eq, .field = filter.field, .values = {value}}, base, element));
    }
    return join(parts, ") AND (", "0");
  }

  Sql positive(Kind kind, const Filter& filter, const Base& base, const Place* element) {
    if (kind == filter.kind) return condition(filter, base, element);
    return condition({.kind = kind, .field = filter.field, .values = filter.values}, base, element);
  }

  /// A condition that is not a denial, on one field.
  Sql condition(const Filter& filter, const Base& base, const Place* element) {
    if (filter.field.path.empty()) return on_element(filter, *element);
    if (filter.field.built_in) return on_column(filter);
    return below(filter, base);
  }

  static Sql on_column(const Filter& filter) {
    if (filter.kind == Kind::exists) return Sql{"1"};
    if (filter.kind == Kind::size || filter.kind == Kind::elem_match) return Sql{"0"};
    return single(filter, {.value = expression(filter.field), .type = "NULL", .types = filter.field.field.types});
  }

  static Sql on_element(const Filter& filter, const Place& place) {
    if (filter.kind != Kind::size) return single(filter, place);
    Sql sql{"CASE " + place.type + " WHEN 'array' THEN json_array_length(" + place.value + ") END = "};
    return sql.bind(filter.values.front().get_int64());
  }

  /// Follows the path. Where an array may lie on it, what goes on is below each of its objects, as a further table of one join,
  /// so that the rest of the path is compiled once. An object there is taken for an array of it, and anything else, as a
  /// missing value, for an object without members.
  Sql below(const Filter& filter, const Base& base) {
    Base inner = base;
    std::string tables;
    std::string objects;
    std::string_view rest = filter.field.path;
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.', dot + 1)) {
      const std::string step(rest.substr(0, dot));
      const std::uint8_t types = types_at(inner, step);
      if ((types & schema::kArray) == 0) continue;
      const std::string row = new_row();
      tables.append(tables.empty() ? "" : " CROSS JOIN ").append(objects_at(inner, step, types)).append(" ").append(row);
      objects.append(row).append(".type = 'object' AND ");
      inner = {.document = row + ".value", .path = join_path(inner.path, step)};
      rest.remove_prefix(dot + 1);
      dot = std::string_view::npos;  // begins anew
    }
    if (tables.empty()) return leaf(filter, base);
    Filter end = filter;
    end.field.path = rest;
    Sql sql{"EXISTS (SELECT 1 FROM " + tables + " WHERE " + objects + "("};
    return sql << leaf(end, inner) << "))";
  }

  /// The elements of the array at a path, as a table.
  static std::string objects_at(const Base& base, const std::string& step, std::uint8_t types) {
    const std::string place = base.document + ", " + json_path(step);
    std::string table = "json_each(CASE json_type(" + place + ") WHEN 'array' THEN json_extract(" + place + ")";
    if ((types & schema::kObject) != 0) table += " WHEN 'object' THEN json_array(json_extract(" + place + "))";
    return table + " ELSE '[{}]' END)";
  }

  /// The end of the path: its value, and its elements when it is an array.
  Sql leaf(const Filter& filter, const Base& base) {
    const std::string path = base.document + ", " + json_path(filter.field.path);
    const schema::Field& field = filter.field.field;
    const Place whole{.value = "json_extract(" + path + ")", .type = "json_type(" + path + ")", .types = field.types};
    if (filter.kind == Kind::exists) return Sql{whole.type + " IS NOT NULL"};
    if (filter.kind == Kind::size) {
      Sql sql{"CASE " + whole.type + " WHEN 'array' THEN json_array_length(" + path + ") END = "};
      return sql.bind(filter.values.front().get_int64());
    }
    if (filter.kind == Kind::elem_match) return elem_match(filter, base, path);
    if ((field.types & schema::kArray) == 0) return single(filter, whole);
    const std::string row = new_row();
    const std::uint8_t scalars = field.types & ~kStructured;
    const Place each{
        .value = row + ".value", .type = row + ".type", .types = static_cast<std::uint8_t>(field.item_types | scalars)};
    Sql sql{"EXISTS (SELECT 1 FROM json_each(" + path + ") " + row + " WHERE "};
    if ((field.types & schema::kObject) != 0) sql << "json_type(" << path << ") <> 'object' AND ";
    sql << "(" << single(filter, each) << "))";
    const bool null =
        std::any_of(filter.values.begin(), filter.values.end(), [](const Json& value) { return value.is_null(); });
    if (null) sql << " OR " << whole.value << " IS NULL";
    return sql;
  }

  Sql elem_match(const Filter& filter, const Base& base, const std::string& path) {
    const std::string row = new_row();
    const Base inner{.document = row + ".value", .path = join_path(base.path, filter.field.path)};
    const Place element{.value = row + ".value", .type = row + ".type", .types = filter.field.field.item_types};
    const Filter& child = filter.children.front();
    Sql sql{"json_type(" + path + ") = 'array' AND EXISTS (SELECT 1 FROM json_each(" + path + ") " + row + " WHERE "};
    if (!is_of_element(child)) sql << row << ".type IN ('object', 'array') AND ";
    return sql << "(" << compile(child, inner, &element) << "))";
  }

  /// Whether a condition is on the element itself rather than on fields below it: all of its leaves are the same.
  static bool is_of_element(const Filter& filter) {
    switch (filter.kind) {
      case Kind::conjunction:
      case Kind::disjunction:
      case Kind::nor:
      case Kind::negation:
        return std::any_of(filter.children.begin(), filter.children.end(), is_of_element);
      case Kind::everything:
        return false;
      default:
        return filter.field.path.empty();
    }
  }

  std::uint8_t types_at(const Base& base, std::string_view path) const {
    const auto field = schema_.field(join_path(base.path, path));
    return field ? field->types : std::uint8_t{schema::kAny};
  }

  static std::string join_path(const std::string& outer, std::string_view inner) {
    return outer.empty() ? std::string(inner) : outer + "." + std::string(inner);
  }

  std::string new_row() { return "e" + std::to_string(++rows_); }

  const schema::Schema& schema_;
  int rows_ = 0;
};

}  // namespace

Sql filter_sql(const query::Filter& filter, const schema::Schema& schema) {
  return Compiler(schema).compile(filter, Base{}, nullptr);
}

}  // namespace nacre::store::sqlite
