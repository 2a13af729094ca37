#include "json/compare.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace nacre {
namespace {

static_assert(std::numeric_limits<long double>::digits >= 64);

std::weak_ordering compare_numbers(const Json& a, const Json& b) {
  const long double x = json_number(a);
  const long double y = json_number(b);
  return x < y ? std::weak_ordering::less : y < x ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

std::weak_ordering compare_arrays(const JsonArray& a, const JsonArray& b) {
  if (a.size() != b.size()) return a.size() <=> b.size();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (const auto order = compare_json(a[i], b[i]); std::is_neq(order)) return order;
  }
  return std::weak_ordering::equivalent;
}

using Member = JsonObject::value_type;

std::weak_ordering compare_members(const Member& a, const Member& b) {
  const auto order = a.key().compare(b.key()) <=> 0;
  return std::is_neq(order) ? order : compare_json(a.value(), b.value());
}

std::vector<const Member*> sorted_members(const JsonObject& object) {
  std::vector<const Member*> members;
  members.reserve(object.size());
  for (const Member& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(), [](const Member* a, const Member* b) { return a->key() < b->key(); });
  return members;
}

std::weak_ordering compare_objects(const JsonObject& a, const JsonObject& b) {
  if (a.size() != b.size()) return a.size() <=> b.size();
  const auto x = sorted_members(a);
  const auto y = sorted_members(b);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (const auto order = compare_members(*x[i], *y[i]); std::is_neq(order)) return order;
  }
  return std::weak_ordering::equivalent;
}

/// Kinds of values that are never equal to each other; the kinds of numbers are one.
int rank(const Json& value) {
  return value.is_number() ? static_cast<int>(boost::json::kind::double_) : static_cast<int>(value.kind());
}

}  // namespace

long double json_number(const Json& number) {
  if (number.is_int64()) return static_cast<long double>(number.get_int64());
  if (number.is_uint64()) return static_cast<long double>(number.get_uint64());
  return number.get_double();
}

std::weak_ordering compare_json(const Json& a, const Json& b) {
  if (rank(a) != rank(b)) return rank(a) <=> rank(b);
  switch (a.kind()) {
    case boost::json::kind::null:
      return std::weak_ordering::equivalent;
    case boost::json::kind::bool_:
      return a.get_bool() <=> b.get_bool();
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return compare_numbers(a, b);
    case boost::json::kind::string:
      return a.get_string().compare(b.get_string()) <=> 0;
    case boost::json::kind::array:
      return compare_arrays(a.get_array(), b.get_array());
    case boost::json::kind::object:
      return compare_objects(a.get_object(), b.get_object());
  }
  return std::weak_ordering::equivalent;
}

}  // namespace nacre
