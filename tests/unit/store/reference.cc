#include "store/reference.h"

#include <algorithm>
#include <string>

namespace nacre::store::reference {
namespace {

using query::Filter;
using Kind = Filter::Kind;

/// A value that a condition looks at; nullptr: missing.
using Candidate = const Json*;

/// What lies at a path. Arrays on the way are searched for objects; one at the end gives its elements and itself.
void collect(const Json& value, std::string_view path, bool elements_too, std::vector<Candidate>& found) {
  const std::size_t dot = std::min(path.find('.'), path.size());
  const Json* member = value.is_object() ? value.get_object().if_contains(path.substr(0, dot)) : nullptr;
  if (dot == path.size()) {
    if (member != nullptr && member->is_array() && elements_too) {
      for (const Json& element : member->get_array()) found.push_back(&element);
    }
    found.push_back(member);
    return;
  }
  const std::string_view rest = path.substr(dot + 1);
  if (member == nullptr || !member->is_structured()) {
    found.push_back(nullptr);
  } else if (member->is_object()) {
    collect(*member, rest, elements_too, found);
  } else {
    for (const Json& element : member->get_array()) {
      if (element.is_object()) collect(element, rest, elements_too, found);
    }
  }
}

bool is_null(Candidate value) { return value == nullptr || value->is_null(); }

long double number(const Json& value) {  // holds every 64-bit integer and every double
  return value.is_int64() ? static_cast<long double>(value.get_int64()) : static_cast<long double>(value.get_double());
}

/// Values of one kind in their order: -1, 0, 1; 2 when they are of different kinds.
int compare(const Json& a, const Json& b) {
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (a.is_number() && b.is_number()) return order(number(a), number(b));
  if (a.is_string() && b.is_string()) return order(std::string_view(a.get_string()), std::string_view(b.get_string()));
  if (a.is_bool() && b.is_bool()) return order(a.get_bool(), b.get_bool());
  return 2;
}

bool holds(Kind kind, Candidate value, const Json& operand) {
  if (kind == Kind::eq && operand.is_null()) return is_null(value);
  if (is_null(value)) return false;
  const int order = compare(*value, operand);
  switch (kind) {
    case Kind::eq:
      return order == 0;
    case Kind::gt:
      return order == 1;
    case Kind::gte:
      return order == 0 || order == 1;
    case Kind::lt:
      return order == -1;
    case Kind::lte:
      return order == 0 || order == -1;
    default:
      return false;
  }
}

bool evaluate(const Filter& filter, const Json& scope, bool of_element);

bool element_matches(const Filter& child, const Json& element) {
  const auto of_element = [](const auto& self, const Filter& f) -> bool {
    if (f.kind == Kind::everything) return false;
    const bool group =
        f.kind == Kind::conjunction || f.kind == Kind::disjunction || f.kind == Kind::nor || f.kind == Kind::negation;
    if (!group) return f.field.path.empty();
    return std::any_of(f.children.begin(), f.children.end(), [&](const Filter& g) { return self(self, g); });
  };
  if (of_element(of_element, child)) return evaluate(child, element, true);
  return element.is_structured() && evaluate(child, element, false);
}

bool any(const Filter& filter, const Json& scope, const auto& predicate) {
  std::vector<Candidate> candidates;
  const bool elements_too = filter.kind != Kind::exists && filter.kind != Kind::size && filter.kind != Kind::elem_match;
  if (filter.field.path.empty()) {
    candidates.push_back(&scope);
  } else {
    collect(scope, filter.field.path, elements_too, candidates);
  }
  return std::any_of(candidates.begin(), candidates.end(), predicate);
}

bool any_equals(const Filter& filter, const Json& scope, const Json& operand) {
  return any(filter, scope, [&](Candidate c) { return holds(Kind::eq, c, operand); });
}

bool leaf(const Filter& filter, const Json& scope) {
  const auto equals = [&](const Json& value) { return any_equals(filter, scope, value); };
  switch (filter.kind) {
    case Kind::ne:
      return !equals(filter.values[0]);
    case Kind::in:
      return std::any_of(filter.values.begin(), filter.values.end(), equals);
    case Kind::nin:
      return std::none_of(filter.values.begin(), filter.values.end(), equals);
    case Kind::all:
      return !filter.values.empty() && std::all_of(filter.values.begin(), filter.values.end(), equals);
    case Kind::exists:
      return any(filter, scope, [](Candidate c) { return c != nullptr; }) == filter.values[0].get_bool();
    case Kind::size:
      return any(filter, scope, [&](Candidate c) {
        return c != nullptr && c->is_array() &&
               static_cast<std::int64_t>(c->get_array().size()) == filter.values[0].get_int64();
      });
    case Kind::elem_match:
      return any(filter, scope, [&](Candidate c) {
        return c != nullptr && c->is_array() &&
               std::any_of(c->get_array().begin(), c->get_array().end(),
                           [&](const Json& element) { return element_matches(filter.children[0], element); });
      });
    case Kind::prefix:
      return any(filter, scope, [&](Candidate c) {
        return c != nullptr && c->is_string() && c->get_string().starts_with(filter.values[0].get_string());
      });
    default:
      return any(filter, scope, [&](Candidate c) { return holds(filter.kind, c, filter.values[0]); });
  }
}

/// `of_element`: an empty path is `scope` itself.
bool evaluate(const Filter& filter, const Json& scope, bool of_element) {
  const auto child = [&](const Filter& f) { return evaluate(f, scope, of_element); };
  switch (filter.kind) {
    case Kind::everything:
      return true;
    case Kind::conjunction:
      return std::all_of(filter.children.begin(), filter.children.end(), child);
    case Kind::disjunction:
      return std::any_of(filter.children.begin(), filter.children.end(), child);
    case Kind::nor:
    case Kind::negation:
      return std::none_of(filter.children.begin(), filter.children.end(), child);
    default:
      return leaf(filter, scope);
  }
}

const Json* at(const Json& document, std::string_view path) {
  std::vector<Candidate> found;
  collect(document, path, false, found);
  return found.empty() ? nullptr : found.front();
}

/// Null and missing, numbers, strings, booleans.
int rank(Candidate value) {
  if (is_null(value)) return 0;
  return value->is_number() ? 1 : (value->is_string() ? 2 : 3);
}

int order(Candidate a, Candidate b) {
  if (rank(a) != rank(b)) return rank(a) < rank(b) ? -1 : 1;
  return rank(a) == 0 ? 0 : compare(*a, *b);
}

Json project(const Json& value, const std::vector<std::string_view>& paths) {
  if (value.is_array()) {
    JsonArray kept;
    for (const Json& element : value.get_array()) {
      if (element.is_structured()) kept.push_back(project(element, paths));
    }
    return kept;
  }
  JsonObject kept;
  for (const auto& member : value.get_object()) {
    const std::string_view name = member.key();
    std::vector<std::string_view> below;
    for (const std::string_view path : paths) {
      if (path == name) kept[name] = member.value();
      if (path.starts_with(name) && path.size() > name.size() && path[name.size()] == '.')
        below.push_back(path.substr(name.size() + 1));
    }
    if (!below.empty() && member.value().is_structured()) kept[name] = project(member.value(), below);
  }
  return kept;
}

}  // namespace

bool matches(const query::Filter& filter, const Json& document) { return evaluate(filter, document, false); }

std::vector<Json> list(const query::ListQuery& query, const std::vector<Json>& documents) {
  std::vector<Json> found;
  std::copy_if(documents.begin(), documents.end(), std::back_inserter(found),
               [&](const Json& document) { return matches(query.where, document); });
  std::stable_sort(found.begin(), found.end(), [&](const Json& a, const Json& b) {
    for (const auto& key : query.sort) {
      const int way = order(at(a, key.field.path), at(b, key.field.path));
      if (way != 0) return key.descending ? way > 0 : way < 0;
    }
    return false;
  });
  if (query.fields.empty()) return found;
  const std::vector<std::string_view> paths(query.fields.begin(), query.fields.end());
  for (Json& document : found) document = project(document, paths);
  return found;
}

}  // namespace nacre::store::reference
