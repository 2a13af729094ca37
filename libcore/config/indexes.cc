#include "config/indexes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "config/bounds.h"
#include "config/reader.h"
#include "config/scalar.h"

namespace nacre::config {
namespace {

IndexKey read_index_key(const Source& source, const Value& value) {
  constexpr std::string_view kKeys = "allowed: a field's dotted path, - before it for descending";
  auto key = parse_index_key(value.text);
  if (!key) source.fail(value.mark, "keys: " + describe(value) + " is no field", kKeys);
  return std::move(*key);
}

bool is_array(const schema::Field& field) { return field.through_array || (field.types & ~schema::kNull) == schema::kArray; }

/// One type, with null perhaps, which is a value among the others. Integers are numbers.
bool has_one_type(const schema::Field& field) {
  const unsigned types = field.types & ~unsigned{schema::kNull};
  return !field.through_array && (types == schema::kBoolean || types == schema::kString || types == schema::kInteger ||
                                  types == schema::kNumber || types == (schema::kInteger | schema::kNumber));
}

bool has_order(const schema::Field& field) {
  return !field.through_array && (field.types & (schema::kArray | schema::kObject)) == 0;
}

/// What an index's keys say of themselves, one after another.
class KeyJudge {
 public:
  KeyJudge(const Source& source, const schema::Schema& schema, bool unique)
      : source_(source), schema_(schema), unique_(unique) {}

  void judge(const Value& value, const IndexKey& key) {
    if (key.path.starts_with('_')) return;  // what the server sets
    const auto fail = [&](std::string_view what, std::string_view allowed) {
      source_.fail(value.mark, "keys: " + describe(value) + std::string(what), allowed);
    };
    if (!schema_.allows(key.path)) fail(" is no field that the schema allows", "allowed: a field of the schema");
    // Names with these no filter can ask for, and no store indexes.
    const bool askable = key.path.find_first_of("\"\\") == std::string::npos;
    const auto found = askable ? schema_.field(key.path) : std::nullopt;
    const schema::Field field = found.value_or(schema::Field{});
    // What is unique, a list or each of its items, would differ from store to store; two lists no store can index together.
    if (is_array(field) && (unique_ || ++arrays_ > 1)) {
      fail(" is an array", "allowed: one array in an index that is not unique");
    }
    if (unique_ && !has_one_type(field)) {
      fail(" may hold values of several types, or arrays or objects",
           "allowed: where unique, a field whose schema has one type, and null perhaps");
    }
    if (!has_order(field) || (field.types & schema::kString) == 0) return;
    if (field.longest_text > kMostIndexText - text_) {
      fail(field.longest_text == schema::Field::kUnbounded ? " is text of any length, which no cursor of a sort could carry"
                                                           : " is longer text than a cursor of a sort could carry",
           "allowed: " + std::to_string(kMostIndexText) +
               " bytes in all keys together, by maxLength (a character has up to 4), enum or format");
    }
    text_ += field.longest_text;
  }

 private:
  const Source& source_;
  const schema::Schema& schema_;
  const bool unique_;
  std::size_t arrays_ = 0;
  std::size_t text_ = 0;
};

Index read_index(const Source& source, const Value& value, const schema::Schema& schema) {
  const Reader reader(source, value, value.mark, {"keys", "unique"});
  const auto allowed = "allowed: a list of 1 to " + std::to_string(kMostIndexKeys) + " fields";
  const auto& keys = reader.require("keys", allowed);
  const auto count = keys.value.items.size();
  if (count < 1 || count > kMostIndexKeys) reader.fail(keys, "not a list of fields", allowed);
  Index index;
  reader.boolean("unique", index.unique);
  KeyJudge judge(source, schema, index.unique);
  for (const auto& item : keys.value.items) {
    auto key = read_index_key(source, item);
    const auto same = [&](const IndexKey& other) { return other.path == key.path; };
    if (std::any_of(index.keys.begin(), index.keys.end(), same)) {
      source.fail(item.mark, "keys: " + describe(item) + " stands here twice", "allowed: each field once");
    }
    judge.judge(item, key);
    index.keys.push_back(std::move(key));
  }
  return index;
}

}  // namespace

std::vector<Index> read_indexes(const Source& source, const Member& member, const schema::Schema& schema) {
  const auto allowed = "allowed: a list of at most " + std::to_string(kMostIndexes) + " mappings of keys, unique";
  const auto& value = member.value;
  if (value.kind != Value::Kind::sequence || value.items.size() > kMostIndexes) {
    source.fail(value.mark, "indexes: " + describe(value) + " is no list of indexes", allowed);
  }
  std::vector<Index> indexes;
  for (const auto& item : value.items) {
    auto index = read_index(source, item, schema);
    const auto same = [&](const Index& other) {
      return std::equal(other.keys.begin(), other.keys.end(), index.keys.begin(), index.keys.end(),
                        [](auto& a, auto& b) { return a.path == b.path && a.descending == b.descending; });
    };
    if (std::any_of(indexes.begin(), indexes.end(), same)) {
      source.fail(item.mark, "indexes: this index stands here twice", "allowed: each list of keys once");
    }
    indexes.push_back(std::move(index));
  }
  return indexes;
}

}  // namespace nacre::config
