#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "config/config.h"
#include "query/filter.h"

namespace nacre::query {

/// One key of the order. MongoDB's order holds among the values: missing and null first, then numbers, then strings or dates;
/// a key's field holds no arrays and objects, and no booleans beside other values.
struct SortKey {
  FieldRef field;
  bool descending = false;
};

inline constexpr std::size_t kMaxSortKeys = 8;
inline constexpr std::size_t kMaxFields = 64;

/// A checked list request.
struct ListQuery {
  Filter where;
  std::vector<SortKey> sort;        ///< ends with _id, so that the order is total; one that was added goes the way of the key
                                    ///< before it, so that one index serves an order and its reverse
  std::vector<std::string> fields;  ///< empty: all; else `_id` and these, of which none is below another
  std::uint32_t limit = 25;
  std::vector<Json> after;  ///< the sort keys of the last document before this page (null: missing; an object: the
                            ///< store's own form of what JSON can't tell from others); empty: first page. What
                            ///< the cursor left out stands here as an array until `complete` has put it there
  bool count = false;
  std::string shape;  ///< equal for queries that are the same but for `after`, `limit` and `count`: what a cursor is bound to
};

/// Parses `where`, `sort`, `fields`, `limit`, `after`, `count` from a raw query string. Error::bad_request names the parameter;
/// an unknown or repeated parameter is one.
Result<ListQuery> parse_list_query(std::string_view raw_query, const config::Resource& resource);

inline constexpr std::size_t kLongestCursor = 6'000;  ///< characters: nginx takes 8 KB of a request's first line

/// The opaque cursor that continues after a document with these sort keys, bound to resource and `shape`. It holds the values;
/// where that would be longer than kLongestCursor, it holds a hash of long strings in their stead.
std::string encode_cursor(std::string_view resource, const ListQuery& query, const std::vector<Json>& last_keys);

/// Error::bad_request for a cursor that is damaged or belongs to another query.
Result<std::vector<Json>> decode_cursor(std::string_view text, std::string_view resource, const ListQuery& query);

/// Whether the cursor left values of `after` out. Then they are to be taken from the document that the page begins after.
bool is_complete(const ListQuery& query);

/// Puts them there. Error::bad_request when the document has others by now.
Result<void> complete(ListQuery& query, const Json& document);

}  // namespace nacre::query
