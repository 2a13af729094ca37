#pragma once

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
  std::string path;  ///< dotted
  schema::Field field;
  bool built_in = false;
};

/// One node of a filter: a subset of MongoDB's query language. The tree is what stores compile; nothing else of a client's
/// `where` reaches them. Dates among `values` are strings in the form of format_rfc3339.
struct Filter {
  enum class Kind : std::uint8_t {
    everything,                     ///< no condition
    conjunction, disjunction, nor,  ///< $and (also implied), $or, $nor: `children`
    negation,                       ///< $not: one child, which is a condition on `field`
    eq, ne, gt, gte, lt, lte,       ///< `field` against values[0]
    in, nin, all,                   ///< `field` against `values`
    exists,                         ///< values[0] is a boolean
    size,                           ///< values[0] is an integer
    elem_match,                     ///< one child for an element of the array `field`; its fields are below the element,
                                    ///< and an empty path means the element itself
    prefix,                         ///< $regex "^literal": values[0] is the literal
  };
  Kind kind = Kind::everything;
  FieldRef field;
  std::vector<Json> values;
  std::vector<Filter> children;
};

inline constexpr int kMaxConditions = 32;
inline constexpr int kMaxDepth = 5;

/// Parses the `where` parameter. Error::bad_request, whose detail names the place (`where: $.stars.$gte: …`).
Result<Filter> parse_filter(std::string_view text, const schema::Schema& schema);

/// A field by its dotted path, built-in ones included. Error::bad_request when there is none; `where` is named in its detail.
Result<FieldRef> find_field(std::string_view path, const schema::Schema& schema, std::string_view parameter);

}  // namespace nacre::query
