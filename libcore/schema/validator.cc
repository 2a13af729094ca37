#include "schema/validator.h"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <limits>

#include "json/compare.h"
#include "json/hash.h"
#include "json/pointer.h"
#include "json/utf8.h"
#include "schema/integer_range.h"
#include "schema/multiple_of.h"

namespace nacre::schema {
namespace {

constexpr std::size_t kNoParent = std::numeric_limits<std::size_t>::max();
// Branches inside of branches: what a fiber's stack has room for, and more than a level of the deepest document needs.
constexpr std::size_t kMaxQuiet = 100;
constexpr std::size_t kSearch = 20;
constexpr std::size_t kGreatSearch = 100'000;
// Bytes of text that are looked at in the time of a task.
constexpr std::size_t kBytesCounted = 32;
constexpr std::size_t kBytesSearched = 8;
constexpr std::size_t kMaxTasks = 500'000;  // they are kept until the end

bool equal(const Json& a, const Json& b) { return std::is_eq(compare_json(a, b)); }

}  // namespace

bool Validator::run(const Node& root, const Json& value) {
  tasks_.push_back({&root, &value, kNoParent, {}});
  const bool valid = work_off(0);
  too_complex_ = too_complex_ || work_ > effort_.left;
  effort_.spent = effort_.spent || too_complex_;
  effort_.left -= std::min(effort_.left, work_);
  if (!too_complex_) return valid;
  errors_.assign(1, {"", message(Rule::too_complex, root)});
  return false;
}

/// Does the tasks from `first` on, which add more.
bool Validator::work_off(std::size_t first) {
  bool valid = true;
  for (std::size_t i = first; i < tasks_.size() && (valid || going_on()); ++i) {
    too_complex_ = too_complex_ || ++work_ > effort_.left || tasks_.size() > kMaxTasks;
    current_ = i;
    valid = !too_complex_ && check(*tasks_[i].node, *tasks_[i].value) && valid;
  }
  return valid;
}

/// Whether a branch holds, without reporting why it does not.
bool Validator::holds(const Node& node, const Json& value) {
  if (quiet_ == kMaxQuiet) too_complex_ = true;
  if (too_complex_) return false;
  const std::size_t loose = loose_.size();
  const std::size_t first = tasks_.size();
  const std::size_t current = current_;
  Task task = tasks_[current_];
  task.node = &node;
  task.value = &value;
  tasks_.push_back(task);
  ++quiet_;
  const bool valid = work_off(first);
  --quiet_;
  current_ = current;
  tasks_.resize(first);
  if (!valid) loose_.resize(loose);
  return valid;
}

void Validator::must_hold(const Node& node) {
  Task task = tasks_[current_];
  task.node = &node;
  tasks_.push_back(task);
}

std::string Validator::pointer() const {
  std::vector<const Task*> way;
  for (std::size_t i = current_; tasks_[i].parent != kNoParent; i = tasks_[i].parent) way.push_back(&tasks_[i]);
  std::string pointer;
  for (auto task = way.rbegin(); task != way.rend(); ++task) {
    if ((*task)->name.data() == nullptr) {
      append_pointer_token(pointer, (*task)->index);
    } else {
      append_pointer_token(pointer, (*task)->name);
    }
  }
  return pointer;
}

bool Validator::fail(Rule rule, const Node& node) {
  if (going_on()) add_error(std::nullopt, rule, node);
  return false;
}

bool Validator::fail_at(std::string_view name, Rule rule, const Node& node) {
  if (going_on()) add_error(name, rule, node);
  return false;
}

void Validator::add_error(std::optional<std::string_view> name, Rule rule, const Node& node) {
  errors_.push_back({pointer(), message(rule, node)});
  if (name) append_pointer_token(errors_.back().pointer, *name);
  error_bytes_ += errors_.back().pointer.size();
}

/// No branch holds. When just one of them is for values of this type, what it says is the better answer.
bool Validator::fail_branches(Rule rule, const Node& node, const std::vector<const Node*>& branches, const Json& value) {
  if (!going_on()) return false;
  const auto is_meant = [type = type_of(value)](const Node* branch) { return !branch->never && (branch->types & type) != 0; };
  if (std::count_if(branches.begin(), branches.end(), is_meant) != 1) return fail(rule, node);
  must_hold(**std::find_if(branches.begin(), branches.end(), is_meant));
  return false;
}

// Every check goes on after a failure while that tells the client more, and returns false in the end.

bool Validator::check(const Node& node, const Json& value) {
  if (node.never) return fail(Rule::never, node);
  const Type type = type_of(value);
  if ((node.types & type) == 0) return fail(Rule::type, node);
  bool valid = check_values(node, value);
  if (!valid && !going_on()) return false;
  switch (type) {
    case kInteger:
    case kNumber:
      valid = check_number(node, value) && valid;
      break;
    case kString:
      valid = check_string(node, value) && valid;
      break;
    case kArray:
      valid = check_array(node, value.get_array()) && valid;
      break;
    case kObject:
      valid = check_object(node, value.get_object()) && valid;
      break;
    default:
      break;
  }
  return (valid || going_on()) && check_combinations(node, value) && valid;
}

bool Validator::check_values(const Node& node, const Json& value) {
  if (node.constant && !equal(*node.constant, value)) return fail(Rule::constant, node);
  if (!node.choices) return true;
  work_ += node.choices->size() / 4;
  const auto is_chosen = [&value](const Json& choice) { return equal(choice, value); };
  return std::any_of(node.choices->begin(), node.choices->end(), is_chosen) || fail(Rule::choices, node);
}

bool Validator::check_number(const Node& node, const Json& value) {
  const auto is_below = [&value](const std::optional<Json>& bound) { return bound && std::is_lt(compare_json(value, *bound)); };
  const auto is_above = [&value](const std::optional<Json>& bound) { return bound && std::is_gt(compare_json(value, *bound)); };
  const auto is_at = [&value](const std::optional<Json>& bound) { return bound && equal(value, *bound); };
  bool valid = true;
  if (is_below(node.minimum)) valid = fail(Rule::minimum, node);
  if (is_above(node.maximum)) valid = fail(Rule::maximum, node);
  if (is_below(node.exclusive_minimum) || is_at(node.exclusive_minimum)) valid = fail(Rule::exclusive_minimum, node);
  if (is_above(node.exclusive_maximum) || is_at(node.exclusive_maximum)) valid = fail(Rule::exclusive_maximum, node);
  if (node.multiple_of && !is_multiple(value, *node.multiple_of)) valid = fail(Rule::multiple_of, node);
  if (valid && value.is_double() && (node.types & kNumber) == 0) loose_.push_back(&value);
  return valid;
}

bool Validator::check_string(const Node& node, const Json& value) {
  const std::string_view text = value.get_string();
  work_ += text.size() / kBytesCounted;
  bool valid = true;
  if (node.length.least > 0 && count_code_points(text) < node.length.least) valid = fail(Rule::least_length, node);
  if (text.size() > node.length.most && count_code_points(text) > node.length.most) return fail(Rule::most_length, node);
  if (node.pattern && !matches(*node.pattern, text)) valid = fail(Rule::pattern, node);
  if (node.format != Format::none && !has_format(node.format, text)) valid = fail(Rule::format, node);
  if (valid && node.format == Format::date_time) loose_.push_back(&value);
  return valid;
}

bool Validator::check_array(const Node& node, const JsonArray& array) {
  bool valid = true;
  if (array.size() < node.items.least) valid = fail(Rule::least_items, node);
  if (array.size() > node.items.most) return fail(Rule::most_items, node);
  if (node.unique && has_equal_items(array, work_)) valid = fail(Rule::unique, node);
  const std::size_t loose = loose_.size();
  const auto is_wanted = [&](const Json& item) { return holds(*node.contains, item); };
  if (node.contains != nullptr && std::none_of(array.begin(), array.end(), is_wanted)) valid = fail(Rule::contains, node);
  loose_.resize(loose);  // the item that is wanted is in no other form than the rest
  for (std::size_t i = 0; i < array.size(); ++i) {
    const Node* judge = i < node.tuple.size() ? node.tuple[i] : node.further;
    if (judge == nullptr) break;
    tasks_.push_back({judge, &array[i], current_, {}, i});
  }
  return valid;
}

bool Validator::check_object(const Node& node, const JsonObject& object) {
  bool valid = true;
  if (object.size() < node.members.least) valid = fail(Rule::least_members, node);
  if (object.size() > node.members.most) return fail(Rule::most_members, node);
  valid = check_required(node, object, node.required) && valid;
  work_ += object.size();
  for (auto member = object.begin(); member != object.end() && (valid || going_on()); ++member) {
    valid = check_member(node, member->key(), member->value()) && valid;
  }
  work_ += node.dependencies.size();
  for (const Dependency& dependency : node.dependencies) {
    if (!object.contains(dependency.name)) continue;
    valid = check_required(node, object, dependency.required) && valid;
    if (dependency.node != nullptr) must_hold(*dependency.node);
  }
  return valid;
}

bool Validator::check_required(const Node& node, const JsonObject& object, const std::vector<std::string>& names) {
  bool valid = true;
  work_ += names.size();
  for (const std::string& name : names) {
    if (!object.contains(name)) valid = fail_at(name, Rule::required, node);
    if (!valid && !going_on()) break;
  }
  return valid;
}

bool Validator::check_member(const Node& node, std::string_view name, const Json& value) {
  const auto judged_by = [&](const Node& judge) { tasks_.push_back({&judge, &value, current_, name}); };
  const bool valid = node.names == nullptr || check_name(node, name);
  const Node* property = node.property(name);
  if (property != nullptr) judged_by(*property);
  bool named = property != nullptr;
  for (const PatternProperty& entry : node.patterns) {
    if (!matches(entry.pattern, name)) continue;
    named = true;
    judged_by(*entry.node);
  }
  if (!named && node.additional != nullptr) judged_by(*node.additional);
  return valid;
}

bool Validator::check_name(const Node& node, std::string_view name) {
  const Json value(name);
  const std::size_t loose = loose_.size();
  const bool valid = holds(*node.names, value);
  loose_.resize(loose);
  return valid || fail_at(name, Rule::name, node);
}

bool Validator::check_combinations(const Node& node, const Json& value) {
  for (const Node* part : node.all_of) must_hold(*part);
  bool valid = node.any_of.empty() || check_any_of(node, value);
  valid = (node.one_of.empty() || check_one_of(node, value)) && valid;
  if (node.negated != nullptr && holds(*node.negated, value)) valid = fail(Rule::negated, node);
  if (node.condition != nullptr) {
    const std::size_t loose = loose_.size();
    const Node* branch = holds(*node.condition, value) ? node.then : node.otherwise;
    forgive_range(loose);  // it asks, and demands nothing
    if (branch != nullptr) must_hold(*branch);
  }
  return valid;
}

/// Looks at every branch, since a later one too may say what is a date or an integer. What no 64 bits hold must be an integer
/// only if each branch that holds says so.
bool Validator::check_any_of(const Node& node, const Json& value) {
  bool any = false;
  bool storable = false;
  const std::size_t loose = loose_.size();
  for (const Node* branch : node.any_of) {
    const auto own = static_cast<std::ptrdiff_t>(loose_.size());
    if (!holds(*branch, value)) continue;
    any = true;
    storable = storable || std::none_of(loose_.begin() + own, loose_.end(), is_out_of_range);
  }
  if (storable) forgive_range(loose);
  return any || fail_branches(Rule::any_of, node, node.any_of, value);
}

/// Lets the doubles that are too great be doubles, of the loose values from `first` on.
void Validator::forgive_range(std::size_t first) {
  loose_.erase(std::remove_if(loose_.begin() + static_cast<std::ptrdiff_t>(first), loose_.end(), is_out_of_range),
               loose_.end());
}

bool Validator::check_one_of(const Node& node, const Json& value) {
  std::size_t count = 0;
  for (const Node* branch : node.one_of) count += holds(*branch, value) ? 1 : 0;
  if (count == 0) return fail_branches(Rule::one_of, node, node.one_of, value);
  return count == 1 || fail(Rule::one_of, node);
}

/// A second search, with more effort, is for the few texts that need it: a document of nothing but such is too complex.
bool Validator::matches(const Pattern& pattern, std::string_view text) {
  work_ += kSearch + text.size() / kBytesSearched;
  if (work_ > effort_.left) return false;  // and the next task ends it all
  auto found = pattern.search(text, Pattern::Effort::usual);
  if (found == Pattern::Found::gave_up) {
    work_ += kGreatSearch;
    if (work_ > effort_.left) return false;
    found = pattern.search(text, Pattern::Effort::great);
  }
  too_complex_ = too_complex_ || found == Pattern::Found::gave_up;
  return found == Pattern::Found::yes;
}

}  // namespace nacre::schema
