#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/function_ref.h"
#include "base/json.h"

namespace nacre::schema {

class Documents;
struct Report;

/// Which JSON types a place in a document may have, as bits. `type: number` has kInteger as well, since integers are numbers;
/// kNumber stands for those with a fraction.
enum Type : std::uint8_t {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,
  kNumber = 8,
  kString = 16,
  kArray = 32,
  kObject = 64,
  kAny = 127
};

/// How much work a judgement may take, in tasks of some 50 ns each. Branches that look at the same value can double the work
/// with each level, and patterns can backtrack; most documents take a few tasks for each value.
inline constexpr std::size_t kMaxEffort = 2'000'000;

/// What is left of the work that one or several judgements may take together.
struct Effort {
  std::size_t left = kMaxEffort;
  bool spent = false;  ///< it was not enough: what was judged with it may be valid nevertheless
};

/// What the schema says about the values found at a dotted path.
struct Field {
  static constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();

  std::uint8_t types = kAny;    ///< Types that the value at the path may have
  bool date_time = false;       ///< `format: date-time`: compared as a date
  std::uint8_t item_types = 0;  ///< for an array: the types of its items (kAny when the schema does not say), else 0
  bool item_date_time = false;
  bool through_array = false;             ///< an array lies on the way (`items.name`): a value for each of its elements
  std::size_t longest_text = kUnbounded;  ///< of a string, in bytes of UTF-8
};

/// A resource's JSON Schema (draft 7), compiled once and immutable.
class Schema {
 public:
  /// `errors` of the Failure holds all mistakes; their pointers point into `schema`, all of whose references must lead into it.
  static Result<Schema> compile(const Json& schema);

  /// The root of the documents. All mistakes and warnings go into `report`; nullopt when there is a mistake.
  static std::optional<Schema> compile(Documents& documents, Report& report);

  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;
  ~Schema();

  /// What is wrong with a document (the user's fields only, without `_id` and the like); empty when it is valid. A missing
  /// required property and a property that is not allowed are reported at the property's own pointer. At most 50 entries.
  std::vector<FieldError> validate(const Json& document) const;
  /// The same within an effort; "is too complex to be checked" where that is spent.
  std::vector<FieldError> validate(const Json& document, Effort& effort) const;

  /// What is wrong with a document, as `validate` says it; one that is valid gets the form in which it is stored:
  /// - a `format: date-time` string that of `format_rfc3339` (UTC, milliseconds), so that comparing strings compares moments;
  /// - a number that must be an integer (`1.0`, `1e3`) that of an int64. One that 64 bits can't hold is wrong here, though
  ///   JSON Schema takes it for an integer.
  std::vector<FieldError> normalize(Json& document, Effort& effort) const;

  /// The same of a document that was not right before: what `is_known` is true for is not held against it, and the rest of it
  /// gets its form.
  std::vector<FieldError> normalize(Json& document, Effort& effort, FunctionRef<bool(const FieldError&)> is_known) const;

  /// What `normalize` says, but up to 10,000 entries of it.
  std::vector<FieldError> all_errors(const Json& document, Effort& effort) const;

  /// What the schema says of a dotted path of user fields (`due`, `author.name`, `tags`, `items.name`); nullopt: not in it.
  /// Array indexes in a path are not fields.
  std::optional<Field> field(std::string_view dotted_path) const;

  /// Whether a valid document may have something at a dotted path, named in the schema or not. True where that would take too
  /// long to find out.
  bool allows(std::string_view dotted_path) const;

  /// Paths of all `format: date-time` fields that the schema names, dotted.
  std::vector<std::string> date_time_paths() const;

 private:
  struct Compiled;
  explicit Schema(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace nacre::schema
