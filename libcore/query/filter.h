#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "schema/schema.h"

/// What a client asks of a list, checked and typed before any store sees it.
namespace nacre::query {

/// A field that a filter or a sort names: it is in the schema or one of _id, _rev, _created, _updated, _owner.
struct FieldRef {
  std::string path{};  ///< dotted
  schema::Field field{};
  bool built_in = false;
};

/// One node of a filter: a subset of MongoDB's query language. The tree is what stores compile; nothing else of a client's
/// `where` reaches them. Dates among `values` are strings in the form of format_rfc3339.
///
/// It means what it means in MongoDB: a condition on a field that holds an array holds when the array or any element meets it;
/// null equals a missing field; `ne`, `nin`, `nor` and `negation` are the exact opposite of what they deny, so a missing field
/// meets them; an order is only between values of one kind (numbers, strings, booleans, dates). Values are null, booleans,
/// 64-bit integers, finite doubles and strings: whole arrays and objects are not compared, for equal there would mean equal
/// bytes, the order of names and the kinds of numbers included.
struct Filter {
  enum class Kind : std::uint8_t {
    everything,   ///< no condition
    conjunction,  ///< all of `children`: $and, also implied
    disjunction,  ///< $or
    nor,          ///< none of `children`
    negation,     ///< $not: one child, of conditions on `field`
    eq,           ///< `field` against values[0], here and below
    ne,
    gt,
    gte,
    lt,
    lte,
    in,  ///< `field` against `values`, here and below; an empty `in` and an empty `all` match nothing
    nin,
    all,
    exists,      ///< values[0] is a boolean
    size,        ///< values[0] is an integer
    elem_match,  ///< one child for an element of the array `field`; its fields are below the element, and an empty path means
                 ///< the element itself, which is then not searched as an array
    prefix,      ///< $regex "^literal": values[0] is the literal
  };
  Kind kind = Kind::everything;
  FieldRef field{};
  std::vector<Json> values{};
  std::vector<Filter> children{};
};

inline constexpr int kMaxConditions = 32;      ///< operators that are applied to a field
inline constexpr int kMaxDepth = 5;            ///< of $and, $or, $nor, $not and $elemMatch inside one another
inline constexpr std::size_t kMaxList = 1000;  ///< values of one $in or $nin
inline constexpr std::size_t kMaxAll = 100;    ///< different values of one $all
/// What a filter may take in bytes once a store has compiled it, the operands left out. Each condition is counted as it is
/// parsed, by the names in its path and, of $all, by its values: neither SQL nor BSON is longer than what was counted.
inline constexpr std::size_t kMaxCompiled = 64UL * 1024;

/// Parses the `where` parameter; values that a list has twice are in it once. Error::bad_request, whose detail names the place
/// (`where: $.stars.$gte: …`).
Result<Filter> parse_filter(std::string_view text, const schema::Schema& schema);

/// The same for JSON that is parsed already.
Result<Filter> parse_filter(const Json& where, const schema::Schema& schema);

/// A field by its dotted path, built-in ones included. Error::bad_request when there is none; `parameter` is named in its
/// detail. Names that hold a quote, a backslash or a control character can be stored but not be asked for.
Result<FieldRef> find_field(std::string_view path, const schema::Schema& schema, std::string_view parameter);

/// A path or other text of a client as it may stand in an error's detail: cut when long.
std::string shown(std::string_view text);

}  // namespace nacre::query
