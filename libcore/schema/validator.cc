#include "schema/validator.h"

#include <algorithm>

#include "json/compare.h"
#include "json/pointer.h"
#include "json/utf8.h"
#include "schema/multiple_of.h"

namespace nacre::schema {
namespace {

// A document nests 64 deep, a schema goes a few steps for each level. The bound is what a fiber's stack has room for.
constexpr std::size_t kMaxNesting = 160;
// In visits to a node. Branches that look at the same value can double the work with each level, and patterns can backtrack; a
// document of a megabyte takes a fraction of this.
constexpr std::size_t kMaxWork = 2'000'000;
constexpr std::size_t kUsualSearch = 20;
constexpr std::size_t kGreatSearch = 100'000;

bool equal(const Json& a, const Json& b) { return compare_json(a, b) == 0; }

bool has_equal_items(const JsonArray& array) {
  std::vector<const Json*> items;
  items.reserve(array.size());
  for (const Json& item : array) items.push_back(&item);
  std::sort(items.begin(), items.end(), [](const Json* a, const Json* b) { return compare_json(*a, *b) < 0; });
  return std::adjacent_find(items.begin(), items.end(), [](const Json* a, const Json* b) { return equal(*a, *b); }) !=
         items.end();
}

}  // namespace

bool Validator::run(const Node& root, const Json& value) {
  const bool valid = check(root, value);
  if (!too_complex_) return valid;
  errors_.assign(1, {"", message(Rule::too_complex, root)});
  return false;
}

bool Validator::fail(Rule rule, const Node& node) {
  if (going_on()) errors_.push_back({pointer_, message(rule, node)});
  return false;
}

bool Validator::fail_at(std::string_view name, Rule rule, const Node& node) {
  const std::size_t length = pointer_.size();
  append_pointer_token(pointer_, name);
  fail(rule, node);
  pointer_.resize(length);
  return false;
}

// Every check below goes on after a failure while that tells the client more, and returns false in the end.

bool Validator::check(const Node& node, const Json& value) {
  ++work_;
  too_complex_ = too_complex_ || depth_ == kMaxNesting || work_ > kMaxWork;
  if (too_complex_) return false;
  if (node.never) return fail(Rule::never, node);
  const Type type = type_of(value);
  if ((node.types & type) == 0) return fail(Rule::type, node);
  ++depth_;
  bool valid = check_values(node, value);
  if (valid || going_on()) {
    if ((type & (kInteger | kNumber)) != 0) valid = check_number(node, value) && valid;
    if (type == kString) valid = check_string(node, value) && valid;
    if (type == kArray) valid = check_array(node, value) && valid;
    if (type == kObject) valid = check_object(node, value) && valid;
  }
  if (valid || going_on()) valid = check_combinations(node, value) && valid;
  --depth_;
  return valid;
}

/// Judges a member or an item, whose errors have a pointer of their own.
bool Validator::check_inside(const Node& node, const Json& value, std::string_view name) {
  const std::size_t length = pointer_.size();
  append_pointer_token(pointer_, name);
  const bool valid = check(node, value);
  pointer_.resize(length);
  return valid;
}

/// Whether a branch holds, without reporting why it does not.
bool Validator::holds(const Node& node, const Json& value) {
  const std::size_t dates = date_times_.size();
  ++quiet_;
  const bool valid = check(node, value);
  --quiet_;
  if (!valid) date_times_.resize(dates);
  return valid;
}

bool Validator::check_values(const Node& node, const Json& value) {
  if (node.constant && !equal(*node.constant, value)) return fail(Rule::constant, node);
  if (!node.choices) return true;
  const bool found =
      std::any_of(node.choices->begin(), node.choices->end(), [&](const Json& choice) { return equal(choice, value); });
  return found || fail(Rule::choices, node);
}

bool Validator::check_number(const Node& node, const Json& value) {
  const auto is_below = [&value](const std::optional<Json>& bound) { return bound && compare_json(value, *bound) < 0; };
  const auto is_above = [&value](const std::optional<Json>& bound) { return bound && compare_json(value, *bound) > 0; };
  const auto is_at = [&value](const std::optional<Json>& bound) { return bound && equal(value, *bound); };
  bool valid = true;
  if (is_below(node.minimum)) valid = fail(Rule::minimum, node);
  if (is_above(node.maximum)) valid = fail(Rule::maximum, node);
  if (is_below(node.exclusive_minimum) || is_at(node.exclusive_minimum)) valid = fail(Rule::exclusive_minimum, node);
  if (is_above(node.exclusive_maximum) || is_at(node.exclusive_maximum)) valid = fail(Rule::exclusive_maximum, node);
  if (node.multiple_of && !is_multiple(value, *node.multiple_of)) valid = fail(Rule::multiple_of, node);
  return valid;
}

bool Validator::check_string(const Node& node, const Json& value) {
  const std::string_view text = value.get_string();
  bool valid = true;
  if (node.length.least > 0 && count_code_points(text) < node.length.least) valid = fail(Rule::least_length, node);
  if (text.size() > node.length.most && count_code_points(text) > node.length.most) return fail(Rule::most_length, node);
  if (node.pattern && !matches(*node.pattern, text)) valid = fail(Rule::pattern, node);
  if (node.format != Format::none && !has_format(node.format, text)) valid = fail(Rule::format, node);
  if (valid && node.format == Format::date_time) date_times_.push_back(&value);
  return valid;
}

bool Validator::check_array(const Node& node, const Json& value) {
  const JsonArray& array = value.get_array();
  bool valid = true;
  if (array.size() < node.items.least) valid = fail(Rule::least_items, node);
  if (array.size() > node.items.most) return fail(Rule::most_items, node);
  if (node.unique && has_equal_items(array)) valid = fail(Rule::unique, node);
  if (node.contains != nullptr &&
      std::none_of(array.begin(), array.end(), [&](const Json& item) { return holds(*node.contains, item); })) {
    valid = fail(Rule::contains, node);
  }
  return check_items(node, array) && valid;
}

bool Validator::check_items(const Node& node, const JsonArray& array) {
  bool valid = true;
  for (std::size_t i = 0; i < array.size() && (valid || going_on()); ++i) {
    const Node* judge = i < node.tuple.size() ? node.tuple[i] : node.further;
    if (judge == nullptr) break;
    valid = check_inside(*judge, array[i], std::to_string(i)) && valid;
  }
  return valid;
}

bool Validator::check_object(const Node& node, const Json& value) {
  const JsonObject& object = value.get_object();
  bool valid = true;
  if (object.size() < node.members.least) valid = fail(Rule::least_members, node);
  if (object.size() > node.members.most) return fail(Rule::most_members, node);
  valid = check_required(node, object, node.required) && valid;
  if (valid || going_on()) valid = check_members(node, object) && valid;
  if (valid || going_on()) valid = check_dependencies(node, value) && valid;
  return valid;
}

bool Validator::check_required(const Node& node, const JsonObject& object, const std::vector<std::string>& names) {
  bool valid = true;
  for (const std::string& name : names) {
    if (!object.contains(name)) valid = fail_at(name, Rule::required, node);
    if (!valid && !going_on()) break;
  }
  return valid;
}

bool Validator::check_members(const Node& node, const JsonObject& object) {
  const bool judges = !node.properties.empty() || !node.patterns.empty() || node.additional != nullptr || node.names != nullptr;
  bool valid = true;
  for (auto member = object.begin(); judges && member != object.end() && (valid || going_on()); ++member) {
    valid = check_member(node, member->key(), member->value()) && valid;
  }
  return valid;
}

bool Validator::check_member(const Node& node, std::string_view name, const Json& value) {
  bool valid = node.names == nullptr || check_name(node, name);
  const Node* property = node.property(name);
  if (property != nullptr) valid = check_inside(*property, value, name) && valid;
  bool named = property != nullptr;
  for (const PatternProperty& entry : node.patterns) {
    if (!matches(entry.pattern, name)) continue;
    named = true;
    valid = check_inside(*entry.node, value, name) && valid;
  }
  if (!named && node.additional != nullptr) valid = check_inside(*node.additional, value, name) && valid;
  return valid;
}

/// A second search, with more effort, is for the few texts that need it: a document of nothing but such is too complex.
bool Validator::matches(const Pattern& pattern, std::string_view text) {
  work_ += kUsualSearch;
  auto found = pattern.search(text, Pattern::Effort::usual);
  if (found == Pattern::Found::gave_up && work_ <= kMaxWork) {
    work_ += kGreatSearch;
    found = pattern.search(text, Pattern::Effort::great);
  }
  too_complex_ = too_complex_ || found == Pattern::Found::gave_up;
  return found == Pattern::Found::yes;
}

bool Validator::check_name(const Node& node, std::string_view name) {
  const Json value(name);
  const std::size_t dates = date_times_.size();
  const bool valid = holds(*node.names, value);
  date_times_.resize(dates);
  return valid || fail_at(name, Rule::name, node);
}

bool Validator::check_dependencies(const Node& node, const Json& value) {
  bool valid = true;
  for (const Dependency& dependency : node.dependencies) {
    if (!value.get_object().contains(dependency.name)) continue;
    valid = check_required(node, value.get_object(), dependency.required) && valid;
    if (dependency.node != nullptr) valid = check(*dependency.node, value) && valid;
    if (!valid && !going_on()) break;
  }
  return valid;
}

bool Validator::check_combinations(const Node& node, const Json& value) {
  bool valid = true;
  for (const Node* part : node.all_of) {
    valid = check(*part, value) && valid;
    if (!valid && !going_on()) return false;
  }
  if (!node.any_of.empty()) valid = check_any_of(node, value) && valid;
  if (!node.one_of.empty()) valid = check_one_of(node, value) && valid;
  if (node.negated != nullptr && holds(*node.negated, value)) valid = fail(Rule::negated, node);
  if (node.condition != nullptr) valid = check_condition(node, value) && valid;
  return valid;
}

/// Looks at every branch, since a later one too may say which strings are dates.
bool Validator::check_any_of(const Node& node, const Json& value) {
  bool any = false;
  for (const Node* branch : node.any_of) any = holds(*branch, value) || any;
  return any || fail_branches(Rule::any_of, node, node.any_of, value);
}

bool Validator::check_one_of(const Node& node, const Json& value) {
  std::size_t count = 0;
  for (const Node* branch : node.one_of) count += holds(*branch, value) ? 1 : 0;
  if (count == 0) return fail_branches(Rule::one_of, node, node.one_of, value);
  return count == 1 || fail(Rule::one_of, node);
}

/// No branch holds. When just one of them is for values of this type, what it says is the better answer.
bool Validator::fail_branches(Rule rule, const Node& node, const std::vector<const Node*>& branches, const Json& value) {
  const Node* meant = nullptr;
  for (const Node* branch : branches) {
    if (branch->never || (branch->types & type_of(value)) == 0) continue;
    if (meant != nullptr) return fail(rule, node);
    meant = branch;
  }
  return meant == nullptr || !going_on() ? fail(rule, node) : check(*meant, value);
}

bool Validator::check_condition(const Node& node, const Json& value) {
  const Node* branch = holds(*node.condition, value) ? node.then : node.otherwise;
  return branch == nullptr || check(*branch, value);
}

}  // namespace nacre::schema
