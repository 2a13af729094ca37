#pragma once

#include <optional>
#include <string>
#include <vector>

#include "query/list_query.h"
#include "store/mongo/sort_key.h"

namespace nacre::store::on_mongo {

/// The commands of one list: a page is one `find`, or several one after another. What comes after a position is cut into
/// disjoint ranges, in order: those documents that share all keys but the last with it, then those that share one less, and so
/// on, each also by the types that a key's values have. Each is a range of an index; an $or of them all need not be.
///
/// Refers to the query and the owner, which outlive it.
class ListPlan {
 public:
  /// Error::bad_request for a cursor of another store.
  static Result<ListPlan> make(const query::ListQuery& query, const std::optional<std::string>& owner);

  std::size_t segments() const noexcept { return segments_.size(); }

  /// Elements of the query document of a segment.
  void write_filter(BsonWriter& bson, std::size_t segment) const;
  /// Elements of the query document of all pages together.
  void write_whole_filter(BsonWriter& bson) const;
  void write_sort(BsonWriter& bson) const;
  bool has_projection() const noexcept { return !query_.fields.empty(); }
  /// The fields that are asked for, and those that a cursor needs.
  void write_projection(BsonWriter& bson) const;

 private:
  ListPlan(const query::ListQuery& query, const std::optional<std::string>& owner, std::vector<BsonValue> after);

  enum class Part : std::uint8_t { whole, beyond, other_types, least };
  /// Equal in the keys before `key`, and `part` of it: greater or less values of the same type, those of the types after it, or
  /// what is less than any value that these hold.
  struct Segment {
    Part part = Part::whole;
    std::size_t key = 0;
  };

  void add_segments(std::size_t key);
  void write_range(BsonWriter& bson, const Segment& segment) const;
  void write_key(BsonWriter& bson, const Segment& segment) const;
  void write_least(BsonWriter& bson, const BsonValue& after) const;

  const query::ListQuery& query_;
  const std::optional<std::string>& owner_;
  std::vector<BsonValue> after_;  ///< the sort keys' values
  std::vector<Segment> segments_;
};

}  // namespace nacre::store::on_mongo
