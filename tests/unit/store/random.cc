#include "store/random.h"

#include <array>
#include <limits>

namespace nacre::store {
namespace {

template <class T, std::size_t N>
T pick(Random& random, const std::array<T, N>& choices) {
  return choices[random.number(N)];
}

constexpr std::array kFields{"title",       "stars",      "price",       "pinned",        "due",        "tags",
                             "dates",       "grade",      "flag",        "anything",      "it's",       "author",
                             "author.name", "author.age", "items",       "items.name",    "items.n",    "items.parts.id",
                             "items.parts", "_id",        "_rev",        "_created",      "_owner",     "tree",
                             "tree.a",      "tree.name",  "tree.a.name", "tree.a.a.name", "tree.name.a"};
constexpr std::array kSortable{"title",       "stars",      "price", "pinned", "due",      "grade", "it's",
                               "author.name", "author.age", "_id",   "_rev",   "_created", "_owner"};

}  // namespace

Json Random::string() {
  using namespace std::string_view_literals;
  constexpr std::array kTexts{
      ""sv,  "a"sv,    "ab"sv, "abc"sv, "b"sv,   "B"sv,    "a.b"sv, "a\"b\\"sv, "é"sv, "éa"sv, "\xF4\x8F\xBF\xBF"sv,
      "5"sv, "true"sv, "[]"sv, "\0"sv,  "a\0"sv, "a\0b"sv, "a\1"sv, "\\u0000"sv};
  return Json(pick(*this, kTexts));
}

Json Random::integer() {
  switch (number(8)) {
    case 0:
      return std::numeric_limits<std::int64_t>::max();
    case 1:
      return std::numeric_limits<std::int64_t>::min();
    case 2:
      return std::numeric_limits<std::int64_t>::max() - 1;
    default:
      return static_cast<std::int64_t>(number(5)) - 1;
  }
}

Json Random::real() {
  static constexpr std::array<double, 10> kReals{
      0.0, 1.0, -1.5, 0.1, 0.30000000000000004, 1e300, -1e-300, 9.2233720368547758e18, 2.0, 3.5};
  return kReals[number(kReals.size())];
}

Json Random::date() {
  return pick(*this, std::array{"2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "1999-12-31T23:59:59.999Z",
                                "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"});
}

Json Random::any_scalar() {
  switch (number(5)) {
    case 0:
      return nullptr;
    case 1:
      return chance(50);
    case 2:
      return integer();
    case 3:
      return real();
    default:
      return string();
  }
}

Json Random::any_value(int depth) {
  if (depth == 0 || chance(50)) return any_scalar();
  if (chance(50)) {
    JsonArray array;
    for (std::size_t n = number(4); n > 0; --n) array.push_back(any_value(depth - 1));
    return array;
  }
  JsonObject object;
  if (chance(70)) object["a"] = any_value(depth - 1);
  if (chance(30)) object["name"] = any_value(depth - 1);
  return object;
}

Json Random::item() {
  JsonObject item;
  if (chance(70)) item["name"] = string();
  if (chance(70)) item["n"] = integer();
  if (chance(50)) {
    JsonArray parts;
    for (std::size_t n = number(3); n > 0; --n) parts.push_back(chance(80) ? JsonObject{{"id", integer()}} : JsonObject{});
    item["parts"] = std::move(parts);
  }
  return item;
}

JsonObject Random::document() {
  JsonObject document;
  const auto array = [&](auto make) {
    JsonArray values;
    for (std::size_t n = number(4); n > 0; --n) values.push_back(make());
    return values;
  };
  if (chance(70)) document["title"] = string();
  if (chance(70)) document["stars"] = integer();
  if (chance(70)) document["price"] = chance(50) ? real() : integer();
  if (chance(70)) document["pinned"] = chance(50);
  if (chance(70)) document["due"] = date();
  if (chance(70)) document["tags"] = array([&] { return string(); });
  if (chance(50)) document["dates"] = array([&] { return date(); });
  if (chance(70)) document["grade"] = chance(20) ? Json(nullptr) : (chance(50) ? integer() : string());
  if (chance(50)) document["flag"] = chance(50) ? integer() : Json(chance(50));
  if (chance(60)) document["anything"] = any_value(3);
  if (chance(60)) document["tree"] = any_value(4);
  if (chance(30)) document["it's"] = string();
  if (chance(60)) {
    JsonObject author;
    if (chance(70)) author["name"] = string();
    if (chance(70)) author["age"] = integer();
    document["author"] = std::move(author);
  }
  if (chance(60)) document["items"] = array([&] { return item(); });
  return document;
}

Json Random::operand(const std::string& field) {
  if (field == "due" || field == "dates" || field == "_created") return chance(85) ? date() : Json(nullptr);
  if (chance(15)) return any_scalar();
  if (field == "pinned" || (field == "flag" && chance(50))) return chance(50);
  if (field == "price" && chance(50)) return real();
  if (field == "_id") return Json("d" + std::to_string(number(300)));
  if (field == "_owner") return chance(50) ? "ann" : "bob";
  if (field == "anything" || field.starts_with("tree")) return any_scalar();
  if (field == "stars" || field == "price" || field == "flag" || field == "author.age" || field == "items.n" ||
      field == "items.parts.id" || field == "_rev" || (field == "grade" && chance(50))) {
    return integer();
  }
  return string();
}

Json Random::operand_list(const std::string& field) {
  JsonArray values;
  for (std::size_t n = number(4); n > 0; --n) values.push_back(operand(field));
  return values;
}

Json Random::element_condition(const std::string& field, int depth) {
  if (field == "tags" || field == "dates" || (field == "anything" && chance(50))) {
    JsonObject conditions{{"$gte", operand(field)}};
    if (chance(50)) conditions["$lt"] = operand(field);
    if (chance(30)) conditions["$nin"] = operand_list(field);
    return conditions;
  }
  if (field == "items.parts") return JsonObject{{"id", condition("items.parts.id", depth)}};
  if (field == "items") {
    switch (number(4)) {
      case 0:
        return JsonObject{{"name", operand("items.name")}, {"n", condition("items.n", depth)}};
      case 1:
        return JsonObject{{"parts.id", condition("items.parts.id", depth)}};
      case 2:
        return JsonObject{{"parts", JsonObject{{"$elemMatch", element_condition("items.parts", depth)}}}};
      default:
        return JsonObject{
            {"$or", JsonArray{JsonObject{{"n", condition("items.n", depth)}}, JsonObject{{"name", operand("items.name")}}}}};
    }
  }
  return JsonObject{{"$eq", operand(field)}};
}

Json Random::condition(const std::string& field, int depth) {
  switch (number(13)) {
    case 0:
      return operand(field);
    case 1:
      return JsonObject{{"$ne", operand(field)}};
    case 2:
      return JsonObject{{"$gt", operand(field)}};
    case 3:
      return JsonObject{{"$gte", operand(field)}};
    case 4:
      return JsonObject{{"$lt", operand(field)}};
    case 5:
      return JsonObject{{"$lte", operand(field)}};
    case 6:
      return JsonObject{{chance(70) ? "$in" : "$nin", operand_list(field)}};
    case 7:
      return JsonObject{{"$exists", chance(50)}};
    case 8:
      return JsonObject{{"$all", operand_list(field)}};
    case 9:
      return JsonObject{{"$size", static_cast<std::int64_t>(number(4))}};
    case 10:
      if (depth == 0) return operand(field);
      return JsonObject{{"$not", JsonObject{{"$gt", operand(field)}, {"$exists", true}}}};
    case 11:
      if (field == "due" || field == "dates" || field == "_created") return operand(field);
      return JsonObject{{"$regex", Json(pick(*this, std::array<std::string_view, 3>{"^a", "^é", {"^a\0", 3}}))}};
    default:
      if (depth == 0 ||
          (field != "tags" && field != "dates" && field != "items" && field != "items.parts" && field != "anything")) {
        return JsonObject{{"$gte", operand(field)}, {"$lte", operand(field)}};
      }
      return JsonObject{{"$elemMatch", element_condition(field, depth - 1)}};
  }
}

Json Random::filter(int depth) {
  if (depth == 0 || chance(50)) {
    JsonObject conditions;
    for (std::size_t n = 1 + number(2); n > 0; --n) {
      const std::string field = pick(*this, kFields);
      conditions[field] = condition(field, depth);
    }
    return conditions;
  }
  JsonArray children;
  for (std::size_t n = 1 + number(3); n > 0; --n) children.push_back(filter(depth - 1));
  return JsonObject{{pick(*this, std::array{"$and", "$or", "$nor"}), std::move(children)}};
}

std::string Random::sort() {
  std::string sort;
  std::string used = ",";
  for (std::size_t n = number(4); n > 0; --n) {
    const std::string field = pick(*this, kSortable);
    if (used.find("," + field + ",") != std::string::npos) continue;
    used += field + ",";
    sort += (sort.empty() ? "" : ",") + std::string(chance(50) ? "-" : "") + field;
  }
  return sort;
}

}  // namespace nacre::store
