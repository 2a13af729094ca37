#include "store/mongo/merge.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <unordered_map>

#include "json/write.h"
#include "store/mongo/to_json.h"

namespace nacre::store::on_mongo {
namespace {

using mongo::kMaxBsonDepth;

/// Where a value is, as a schema names it: indexes left out.
class Way {
 public:
  /// Goes to a member for a scope.
  class Step {
   public:
    Step(Way& way, std::string_view name) : way_(way), length_(way.path_.size()), arrays_(way.arrays_) {
      if (length_ != 0) way.path_ += '.';
      way.path_ += name;
      way.arrays_ = 0;
    }
    ~Step() {
      way_.path_.resize(length_);
      way_.arrays_ = arrays_;
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Way& way_;
    const std::size_t length_;
    const int arrays_;
  };

  /// Goes to an array's elements for a scope.
  class Inside {
   public:
    explicit Inside(Way& way) : way_(way) { ++way_.arrays_, ++way_.depth_; }
    ~Inside() { --way_.arrays_, --way_.depth_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Way& way_;
  };

  const std::string& path() const noexcept { return path_; }
  bool in_array() const noexcept { return depth_ > 0; }
  FieldKind kind(const DateFields& fields) const { return arrays_ <= 1 ? fields.kind_of(path_, arrays_ == 1) : FieldKind{}; }

 private:
  std::string path_;
  int arrays_ = 0;  ///< that lie directly around the value
  int depth_ = 0;   ///< of all arrays on the way
};

/// What a scalar is known by: its JSON, in one form for what means the same.
std::string mark(std::string_view text, FieldKind kind) {
  std::string mark;
  const auto moment = kind.date ? parse_rfc3339(text) : std::nullopt;
  append_json_string(mark, moment ? format_rfc3339(*moment) : text);
  return mark;
}

std::string mark(double number, FieldKind kind) {
  constexpr double kEnd = 9223372036854775808.0;
  const bool integral = kind.integer && std::trunc(number) == number && number < kEnd && number >= -kEnd;
  return json_text(integral ? Json(static_cast<std::int64_t>(number)) : Json(number));
}

std::string mark(const Json& value, FieldKind kind) {
  if (value.is_string()) return mark(std::string_view(value.get_string()), kind);
  return value.is_double() ? mark(value.get_double(), kind) : json_text(value);
}

std::string mark(const BsonElement& element, FieldKind kind) {
  if (element.is_text()) return mark(element.text(), kind);
  if (element.type == BsonType::real) return mark(element.real(), kind);
  std::string mark;
  append_value(mark, element);
  return mark;
}

/// Whether a scalar's JSON, written to the database, might be anything else than what is there.
bool is_foreign(const BsonElement& element, FieldKind kind) {
  switch (element.type) {
    case BsonType::string:
    case BsonType::date:
      return kind.date == (element.type == BsonType::string);
    case BsonType::real:
      return kind.integer || !std::isfinite(element.real());
    case BsonType::int64:
    case BsonType::boolean:
    case BsonType::null:
      return false;
    default:
      return true;
  }
}

/// The foreign scalars in a document's arrays, by their fields and what is shown of them.
class ForeignScalars {
 public:
  ForeignScalars(std::string_view document, const DateFields& dates) : dates_(dates) {
    collect(document, 1);
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.hash < b.hash; });
  }

  const BsonElement* find(const std::string& path, const std::string& mark) const {
    const std::size_t hash = hash_of(path, mark);
    auto found = std::lower_bound(found_.begin(), found_.end(), hash, [](const Found& f, std::size_t h) { return f.hash < h; });
    for (; found != found_.end() && found->hash == hash; ++found) {
      if (on_mongo::mark(found->element, found->kind) == mark) return &found->element;
    }
    return nullptr;
  }

 private:
  struct Found {
    std::size_t hash;
    FieldKind kind;
    BsonElement element;
  };

  static std::size_t hash_of(const std::string& path, const std::string& mark) {
    return std::hash<std::string>{}(path + '\0' + mark);
  }

  void collect(std::string_view document, int depth) {
    BsonReader reader(document);
    BsonElement element;
    while (reader.next(element)) {
      if (depth == 1 && element.name.starts_with('_')) continue;
      const Way::Step step(way_, element.name);
      value(element, depth);
    }
  }

  void value(const BsonElement& element, int depth) {
    if (depth > kMaxBsonDepth) return;
    if (element.type == BsonType::document) return collect(element.document(), depth + 1);
    if (element.type == BsonType::array) {
      const Way::Inside inside(way_);
      BsonReader reader(element.document());
      BsonElement item;
      while (reader.next(item)) value(item, depth + 1);
      return;
    }
    const FieldKind kind = way_.kind(dates_);
    if (way_.in_array() && is_foreign(element, kind))
      found_.push_back({hash_of(way_.path(), mark(element, kind)), kind, element});
  }

  const DateFields& dates_;
  Way way_;
  std::vector<Found> found_;
};

std::vector<BsonElement> elements_of(std::string_view document) {
  std::vector<BsonElement> elements;
  BsonReader reader(document);
  BsonElement element;
  while (reader.next(element)) elements.push_back(element);
  return elements;
}

/// The members of a stored object, which are mostly looked for in their order.
class Members {
 public:
  explicit Members(std::string_view document) : members_(elements_of(document)) {}

  const BsonElement* find(std::string_view name) {
    if (next_ < members_.size() && members_[next_].name == name) return &members_[next_++];
    if (by_name_.empty()) {
      for (std::size_t i = 0; i < members_.size(); ++i) by_name_.emplace(members_[i].name, i);
    }
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return nullptr;
    next_ = found->second + 1;
    return &members_[found->second];
  }

  const std::vector<BsonElement>& all() const noexcept { return members_; }

 private:
  std::vector<BsonElement> members_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::size_t next_ = 0;
};

class Merger {
 public:
  Merger(std::string& out, const DateFields& dates, std::string_view stored) : bson_(out), dates_(dates), stored_(stored) {}

  void all(const JsonObject& fields) {
    bson_.document([&] { members(fields, stored_); });
  }

  std::vector<std::string> changes(const JsonObject& fields) {
    Members before(stored_);
    bson_.document([&] {
      for (const auto& field : fields) {
        const BsonElement* const old = before.find(field.key());
        const Way::Step step(way_, field.key());
        if (old == nullptr || !is_same(field.value(), *old)) value(field.key(), field.value(), old);
      }
    });
    std::vector<std::string> gone;
    for (const BsonElement& old : before.all()) {
      if (!old.name.starts_with('_') && !fields.contains(old.name)) gone.emplace_back(old.name);
    }
    return gone;
  }

 private:
  void members(const JsonObject& object, std::string_view stored) {
    Members before(stored);
    for (const auto& member : object) {
      const Way::Step step(way_, member.key());
      value(member.key(), member.value(), before.find(member.key()));
    }
  }

  /// `old`: what it takes the place of; nullptr: nothing.
  void value(std::string_view name, const Json& json, const BsonElement* old) {
    static constexpr std::string_view kNothing("\5\0\0\0\0", 5);
    const auto* const object = json.if_object();
    const auto* const array = json.if_array();
    if (object != nullptr) {
      const bool has_old = old != nullptr && old->type == BsonType::document;
      bson_.document(name, [&] { members(*object, has_old ? old->document() : kNothing); });
    } else if (array != nullptr) {
      const bool has_old = old != nullptr && old->type == BsonType::array;
      bson_.array(name, [&] { items(*array, has_old ? old->document() : kNothing); });
    } else {
      scalar(name, json, old);
    }
  }

  void items(const JsonArray& array, std::string_view stored) {
    const Way::Inside inside(way_);
    const std::vector<BsonElement> before = elements_of(stored);
    const std::size_t most = std::min(array.size(), before.size());
    std::size_t front = 0;
    while (front < most && is_same(array[front], before[front])) ++front;
    std::size_t back = 0;
    while (back < most - front && is_same(array[array.size() - 1 - back], before[before.size() - 1 - back])) ++back;
    for (std::size_t i = 0; i < array.size(); ++i) {
      const bool behind = i >= array.size() - back;
      const std::size_t place = behind ? i + before.size() - array.size() : i;
      const BsonElement* const old = behind || i < before.size() - back ? &before[place] : nullptr;
      const IndexName name(i);
      if (i < front || behind) {
        bson_.raw(name.view(), old->value, old->type);
      } else {
        value(name.view(), array[i], old);
      }
    }
  }

  void scalar(std::string_view name, const Json& json, const BsonElement* old) {
    const FieldKind kind = way_.kind(dates_);
    if (old == nullptr || old->is_document() || !is_same_scalar(json, *old, kind)) old = elsewhere(json, kind);
    if (old != nullptr) return bson_.raw(name, old->value, old->type);
    write_scalar(bson_, name, json, kind.date);
  }

  const BsonElement* elsewhere(const Json& json, FieldKind kind) {
    if (!way_.in_array()) return nullptr;
    if (!foreign_) foreign_.emplace(stored_, dates_);
    return foreign_->find(way_.path(), mark(json, kind));
  }

  bool is_same(const Json& json, const BsonElement& old) {
    if (const auto* const object = json.if_object())
      return old.type == BsonType::document && has_same_members(*object, old.document());
    if (const auto* const array = json.if_array()) return old.type == BsonType::array && has_same_items(*array, old.document());
    return !old.is_document() && is_same_scalar(json, old, way_.kind(dates_));
  }

  bool has_same_members(const JsonObject& object, std::string_view stored) {
    BsonReader reader(stored);
    BsonElement old;
    for (const auto& member : object) {
      if (!reader.next(old) || old.name != std::string_view(member.key())) return false;
      const Way::Step step(way_, old.name);
      if (!is_same(member.value(), old)) return false;
    }
    return !reader.next(old);
  }

  bool has_same_items(const JsonArray& array, std::string_view stored) {
    const Way::Inside inside(way_);
    BsonReader reader(stored);
    BsonElement old;
    for (const Json& item : array) {
      if (!reader.next(old) || !is_same(item, old)) return false;
    }
    return !reader.next(old);
  }

  static bool is_same_scalar(const Json& json, const BsonElement& old, FieldKind kind) {
    if (json.is_int64() && old.is_integer()) return json.get_int64() == old.integer();
    if (json.is_string() && old.is_text() && old.text() == std::string_view(json.get_string())) return true;
    return mark(json, kind) == mark(old, kind);
  }

  BsonWriter bson_;
  const DateFields& dates_;
  const std::string_view stored_;
  Way way_;
  std::optional<ForeignScalars> foreign_;
};

}  // namespace

std::string merged_fields(const JsonObject& fields, const DateFields& dates, std::string_view stored) {
  std::string bson;
  Merger(bson, dates, stored).all(fields);
  return bson;
}

Changes changed_fields(const JsonObject& fields, const DateFields& dates, std::string_view stored) {
  Changes changes;
  changes.gone = Merger(changes.fields, dates, stored).changes(fields);
  return changes;
}

}  // namespace nacre::store::on_mongo
