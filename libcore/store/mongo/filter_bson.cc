#include "store/mongo/filter_bson.h"

#include "store/mongo/to_bson.h"

namespace nacre::store::on_mongo {
namespace {

using query::Filter;
using Kind = Filter::Kind;

/// A pattern that a string matches which begins with the literal. MongoDB refuses one that holds NUL itself.
std::string prefix_pattern(std::string_view literal) {
  std::string pattern = "^";
  for (const char c : literal) {
    if (c == '\0') {
      pattern += "\\x00";
      continue;
    }
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

bool is_group(Kind kind) {
  return kind == Kind::conjunction || kind == Kind::disjunction || kind == Kind::nor || kind == Kind::negation;
}

/// Whether a condition is on an array's element itself rather than on fields below it: all of its leaves are the same.
bool is_of_element(const Filter& filter) {
  if (!is_group(filter.kind)) return filter.kind != Kind::everything && filter.field.path.empty();
  for (const Filter& child : filter.children) {
    if (is_of_element(child)) return true;
  }
  return false;
}

std::string_view operator_of(Kind kind) {
  switch (kind) {
    case Kind::ne:
      return "$ne";
    case Kind::gt:
      return "$gt";
    case Kind::gte:
      return "$gte";
    case Kind::lt:
      return "$lt";
    case Kind::lte:
      return "$lte";
    case Kind::in:
      return "$in";
    case Kind::nin:
      return "$nin";
    case Kind::all:
      return "$all";
    case Kind::exists:
      return "$exists";
    case Kind::size:
      return "$size";
    case Kind::prefix:
      return "$regex";
    case Kind::elem_match:
      return "$elemMatch";
    default:
      return "$eq";
  }
}

class Compiler {
 public:
  explicit Compiler(BsonWriter& bson) : bson_(bson) {}

  /// Elements of a document that selects documents, or objects in an array.
  void query(const Filter& filter) {
    switch (filter.kind) {
      case Kind::everything:
        return;
      case Kind::conjunction:
        return group("$and", filter.children);
      case Kind::disjunction:
        return group("$or", filter.children);
      case Kind::nor:
      case Kind::negation:
        return group("$nor", filter.children);
      case Kind::all:
        if (filter.values.empty()) break;
        return each_value(filter);
      default:
        break;
    }
    bson_.document(filter.field.path, [&] { condition(filter); });
  }

 private:
  /// What $all means; not all servers take it so for null.
  void each_value(const Filter& filter) {
    bson_.array("$and", [&] {
      std::size_t index = 0;
      for (const Json& value : filter.values) {
        bson_.document(IndexName(index++).view(),
                       [&] { bson_.document(filter.field.path, [&] { write_operand(bson_, "$eq", value, filter.field); }); });
      }
    });
  }

  void group(std::string_view name, const std::vector<Filter>& children) {
    bson_.array(name, [&] {
      std::size_t index = 0;
      for (const Filter& child : children) bson_.document(IndexName(index++).view(), [&] { query(child); });
    });
  }

  /// Elements of a document of operators, all on one value. Of groups, such a document has only $not and what is implied.
  void conditions(const Filter& filter) {
    if (filter.kind == Kind::conjunction) {
      for (const Filter& child : filter.children) conditions(child);
    } else if (filter.kind == Kind::negation) {
      bson_.document("$not", [&] { conditions(filter.children.front()); });
    } else {
      condition(filter);
    }
  }

  void condition(const Filter& filter) {
    const std::string_view name = operator_of(filter.kind);
    switch (filter.kind) {
      case Kind::in:
      case Kind::nin:
      case Kind::all:
        return bson_.array(name, [&] {
          std::size_t index = 0;
          for (const Json& value : filter.values) write_operand(bson_, IndexName(index++).view(), value, filter.field);
        });
      case Kind::prefix:
        return bson_.string(name, prefix_pattern(filter.values.front().get_string()));
      case Kind::exists:
      case Kind::size:
        return write_scalar(bson_, name, filter.values.front(), false);
      case Kind::elem_match:
        return bson_.document(name, [&] { element(filter.children.front()); });
      default:
        write_operand(bson_, name, filter.values.front(), filter.field);
    }
  }

  /// What an array's element must meet. Some servers take names that all begin with $ for operators on the element itself, so
  /// that conditions on its fields begin with one that always holds.
  void element(const Filter& filter) {
    if (is_of_element(filter)) return conditions(filter);
    if (is_group(filter.kind) || filter.kind == Kind::all) {
      bson_.document("_", [&] { bson_.array("$nin", [] {}); });
    }
    query(filter);
  }

  BsonWriter& bson_;
};

}  // namespace

void write_operand(BsonWriter& bson, std::string_view name, const Json& value, const query::FieldRef& field) {
  if (field.built_in && field.path == "_id" && value.is_string()) return write_id(bson, name, value.get_string());
  write_scalar(bson, name, value, field.field.date_time || field.field.item_date_time);
}

void write_filter(BsonWriter& bson, const query::Filter& filter) { Compiler(bson).query(filter); }

}  // namespace nacre::store::on_mongo
