#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "schema/message.h"
#include "schema/node.h"
#include "schema/schema.h"

namespace nacre::schema {

inline constexpr std::size_t kMaxErrors = 50;

inline constexpr std::size_t kMaxErrorBytes = 64UL << 10U;  ///< of the pointers of all errors, about

/// Judges one value by a graph of nodes. What must hold is a list of tasks, so that the depth of a document costs no stack;
/// only branches that may fail (`anyOf`, `oneOf`, `not`, `if`, `contains`, `propertyNames`) are looked into by recursion.
/// Recursion, work and the number of errors are bounded whatever schema and value are: what goes past the bounds is not valid.
class Validator {
 public:
  /// `effort` must outlive it; what is done is taken from it. `most_errors`: after so many the rest is not looked at.
  explicit Validator(Effort& effort, std::size_t most_errors = kMaxErrors) : effort_(effort), most_errors_(most_errors) {}

  /// Once for each validator. `value` must outlive it.
  bool run(const Node& root, const Json& value);

  /// What is wrong, once `run` was false. Outer places come before inner ones.
  std::vector<FieldError> take_errors() { return std::move(errors_); }
  /// The values that may be stored in another form, once `run` was true: the strings that `format: date-time` holds for, and
  /// the doubles that must be integers, of any size: such as 64 bits can't hold only where no branch takes them for numbers.
  /// One may stand there more than once.
  const std::vector<const Json*>& loose() const { return loose_; }

 private:
  /// A value to be judged, and the way to it: the task of the value that holds it, and its name or index there.
  struct Task {
    const Node* node;
    const Json* value;
    std::size_t parent;
    std::string_view name;  ///< without data: an item
    std::size_t index = 0;
  };

  bool work_off(std::size_t first);
  bool holds(const Node& node, const Json& value);
  /// Has the value that is being judged be judged by another node too.
  void must_hold(const Node& node);

  bool check(const Node& node, const Json& value);
  bool check_values(const Node& node, const Json& value);
  bool check_number(const Node& node, const Json& value);
  bool check_string(const Node& node, const Json& value);
  bool check_array(const Node& node, const JsonArray& array);
  bool check_object(const Node& node, const JsonObject& object);
  bool check_member(const Node& node, std::string_view name, const Json& value);
  bool check_name(const Node& node, std::string_view name);
  bool check_required(const Node& node, const JsonObject& object, const std::vector<std::string>& names);
  bool check_combinations(const Node& node, const Json& value);
  bool check_any_of(const Node& node, const Json& value);
  void forgive_range(std::size_t first);
  bool check_one_of(const Node& node, const Json& value);
  bool matches(const Pattern& pattern, std::string_view text);

  bool fail(Rule rule, const Node& node);
  bool fail_at(std::string_view name, Rule rule, const Node& node);
  bool fail_branches(Rule rule, const Node& node, const std::vector<const Node*>& branches, const Json& value);
  void add_error(std::optional<std::string_view> name, Rule rule, const Node& node);
  std::string pointer() const;
  /// Whether there is anything to learn after a failure.
  bool going_on() const {
    return quiet_ == 0 && errors_.size() < most_errors_ && error_bytes_ < most_errors_ / kMaxErrors * kMaxErrorBytes &&
           !too_complex_;
  }

  Effort& effort_;
  const std::size_t most_errors_;
  std::deque<Task> tasks_;   // which never holds them twice, as a vector that grows
  std::size_t current_ = 0;  ///< the task that is being done
  std::vector<FieldError> errors_;
  std::size_t error_bytes_ = 0;
  std::vector<const Json*> loose_;
  std::size_t work_ = 0;
  std::size_t quiet_ = 0;  ///< branches inside of branches: there a failure decides, and is nobody's error
  bool too_complex_ = false;
};

}  // namespace nacre::schema
