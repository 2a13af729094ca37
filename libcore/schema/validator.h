#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "schema/message.h"
#include "schema/node.h"

namespace nacre::schema {

inline constexpr std::size_t kMaxErrors = 50;

/// Judges one value by a graph of nodes. Recursion, work and the number of errors are bounded whatever schema and value are:
/// what goes past the bounds is not valid.
class Validator {
 public:
  bool run(const Node& root, const Json& value);

  /// What is wrong, once `run` was false.
  std::vector<FieldError> take_errors() { return std::move(errors_); }
  /// The strings that `format: date-time` holds for, once `run` was true; one may stand there more than once.
  const std::vector<const Json*>& date_times() const { return date_times_; }

 private:
  bool check(const Node& node, const Json& value);
  bool check_inside(const Node& node, const Json& value, std::string_view name);
  bool holds(const Node& node, const Json& value);

  bool check_values(const Node& node, const Json& value);
  bool check_number(const Node& node, const Json& value);
  bool check_string(const Node& node, const Json& value);
  bool check_array(const Node& node, const Json& value);
  bool check_items(const Node& node, const JsonArray& array);
  bool check_object(const Node& node, const Json& value);
  bool check_members(const Node& node, const JsonObject& object);
  bool check_member(const Node& node, std::string_view name, const Json& value);
  bool matches(const Pattern& pattern, std::string_view text);
  bool check_name(const Node& node, std::string_view name);
  bool check_required(const Node& node, const JsonObject& object, const std::vector<std::string>& names);
  bool check_dependencies(const Node& node, const Json& value);
  bool check_combinations(const Node& node, const Json& value);
  bool check_any_of(const Node& node, const Json& value);
  bool check_one_of(const Node& node, const Json& value);
  bool fail_branches(Rule rule, const Node& node, const std::vector<const Node*>& branches, const Json& value);
  bool check_condition(const Node& node, const Json& value);

  bool fail(Rule rule, const Node& node);
  bool fail_at(std::string_view name, Rule rule, const Node& node);
  /// Whether there is anything to learn after a failure.
  bool going_on() const { return quiet_ == 0 && errors_.size() < kMaxErrors && !too_complex_; }

  std::string pointer_;  ///< of the value being judged
  std::vector<FieldError> errors_;
  std::vector<const Json*> date_times_;
  std::size_t work_ = 0;
  std::size_t depth_ = 0;
  std::size_t quiet_ = 0;  ///< above 0: a failure decides a branch, and is nobody's error
  bool too_complex_ = false;
};

}  // namespace nacre::schema
