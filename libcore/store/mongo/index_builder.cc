#include "store/mongo/index_builder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "mongo/driver.h"

namespace nacre::store::on_mongo {
namespace {

using mongo::Answer;
using mongo::BsonElement;
using mongo::BsonReader;
using mongo::BsonWriter;
using mongo::Command;
using mongo::Driver;
using mongo::find;
using mongo::ServerError;

// NOLINTBEGIN(readability-identifier-naming): MongoDB's names.
enum Code : std::int32_t {
  Unauthorized = 13,
  NamespaceNotFound = 26,
  IndexNotFound = 27,
  NamespaceExists = 48,
  CannotCreateIndex = 67,
  IndexOptionsConflict = 85,
  IndexKeySpecsConflict = 86,
  CannotIndexParallelArrays = 171,
};
// NOLINTEND(readability-identifier-naming)

/// Readings of the configuration, one document each.
constexpr std::string_view kReadings = "nacre_readings";

bool is_one_of(const ServerError& error, std::initializer_list<std::int32_t> codes) {
  return std::find(codes.begin(), codes.end(), error.code) != codes.end();
}

std::string in_words(const ServerError& error, const std::string& keys) {
  if (error.is_duplicate_key()) return "documents have the same " + keys;
  switch (error.code) {
    case Unauthorized:
      return "MongoDB's user may not do that";
    case CannotCreateIndex:
      return "MongoDB makes none like that of this collection, which may be sharded by other keys";
    case IndexOptionsConflict:
    case IndexKeySpecsConflict:
      return "another index stands in its place, which is not unique";
    case CannotIndexParallelArrays:
      return "documents hold arrays in several of its keys";
    default:
      return "MongoDB refuses it with error " + std::to_string(error.code);
  }
}

/// Whether both have the same keys in the same order and direction; numbers may be of any type.
bool same_keys(std::string_view one, std::string_view other) {
  BsonReader left(one);
  BsonReader right(other);
  BsonElement a;
  BsonElement b;
  for (;;) {
    const bool more = left.next(a);
    if (more != right.next(b)) return false;
    if (!more) return true;
    if (a.name != b.name || !a.is_number() || !b.is_number() || (a.real() > 0) != (b.real() > 0)) return false;
  }
}

/// Of the index on `_id`, which always has its collection's collation: whether that is another than by bytes.
bool has_collation(std::string_view index) {
  const auto keys = find(index, "key");
  const auto collation = find(index, "collation");
  if (!keys || !keys->is_document() || !collation || !collation->is_document()) return false;
  BsonReader reader(keys->document());
  BsonElement key;
  if (!reader.next(key) || key.name != "_id" || reader.next(key)) return false;
  const auto locale = find(collation->document(), "locale");
  return locale && locale->is_text() && locale->text() != "simple";
}

/// Commands one after another. What the server refuses in passing (an election, a time-out) counts as its being away.
class Conversation {
 public:
  Conversation(Driver& driver, net::Patience patience) : driver_(driver), patience_(std::move(patience)) {}

  Result<Answer> call(Command command, bool write = false) {
    auto answer = driver_.call(
        [&](BsonWriter& bson) {
          command(bson);
          if (write) {
            bson.document("writeConcern", [&] { bson.string("w", "majority"); });
          }
        },
        patience_.until);
    if (answer && answer->error && (answer->error->is_retryable_read() || answer->error->is_retryable_write())) {
      return mongo::away(answer->error->message);
    }
    return answer;
  }

  /// Calls `visit(document)` for each of the first batch of what a command lists.
  Result<std::optional<ServerError>> list(Command command, FunctionRef<void(std::string_view document)> visit) {
    const auto answer = call(command);
    if (!answer) return answer.error();
    if (answer->error) return answer->error;
    const auto batch = find(answer->view.cursor, "firstBatch");
    if (!batch || !batch->is_document()) return mongo::malformed();
    BsonReader reader(batch->document());
    BsonElement element;
    while (reader.next(element)) {
      if (element.is_document()) visit(element.document());
    }
    return std::optional<ServerError>();
  }

 private:
  Driver& driver_;
  const net::Patience patience_;
};

/// In one batch, so that there is no cursor to go on with.
void write_whole_batch(BsonWriter& bson) {
  bson.document("cursor", [&] { bson.int32("batchSize", 10'000); });
}

/// The newest reading that the database knows of.
struct Newest {
  bool is_known = true;
  bool is_ours = true;
  std::set<std::string> indexes{};
};

void write_index_names(BsonWriter& bson, const std::vector<CollectionPlan>& plans) {
  std::size_t place = 0;
  for (const CollectionPlan& plan : plans) {
    for (const IndexPlan& index : plan.indexes) bson.string(IndexName(place++).view(), plan.name + "." + index.name);
  }
}

/// Enters our reading, where it is not known yet.
Result<std::optional<ServerError>> enter(Conversation& conversation, const std::vector<CollectionPlan>& plans,
                                         const Reading& reading) {
  const auto entered = conversation.call(
      [&](BsonWriter& bson) {
        bson.string("update", kReadings);
        bson.array("updates", [&] {
          bson.document("0", [&] {
            bson.document("q", [&] { bson.string("_id", reading.id); });
            bson.document("u", [&] {
              bson.document("$setOnInsert", [&] {
                bson.date("at", reading.at);
                bson.array("indexes", [&] { write_index_names(bson, plans); });
              });
            });
            bson.boolean("upsert", true);
          });
        });
      },
      true);
  if (!entered) return entered.error();
  return entered->error;
}

/// Where the user may not enter it, there is no order, and nothing is dropped.
Result<Newest> newest(Conversation& conversation, const std::vector<CollectionPlan>& plans, const Reading& reading) {
  const auto refused = enter(conversation, plans, reading);
  if (!refused) return refused.error();
  Newest newest{.is_known = !*refused};
  const auto listed = conversation.list(
      [&](BsonWriter& bson) {
        bson.string("find", kReadings);
        // Readings that seem to lie ahead were made by another clock, and tell nothing.
        bson.document("filter", [&] {
          bson.document("at", [&] {
            bson.date("$lte",
                      std::max(reading.at, std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now())));
          });
        });
        bson.document("sort", [&] {
          bson.int32("at", -1);
          bson.int32("_id", 1);
        });
        bson.int32("limit", 1);
      },
      [&](std::string_view document) {
        const auto id = find(document, "_id");
        newest.is_ours = !id || !id->is_text() || id->text() == reading.id;
        const auto names = find(document, "indexes");
        BsonReader reader(names && names->is_document() ? names->document() : std::string_view());
        BsonElement name;
        while (names && reader.next(name)) {
          if (name.is_text()) newest.indexes.emplace(name.text());
        }
      });
  if (!listed) return listed.error();
  return newest;
}

/// The indexes of one collection.
class Indexes {
 public:
  Indexes(Conversation& conversation, const CollectionPlan& plan, const Newest& newest)
      : conversation_(conversation), plan_(plan), newest_(newest) {}

  /// What is there; nothing where there is no collection.
  Result<void> look() {
    present_.clear();
    const auto listed = conversation_.list(
        [&](BsonWriter& bson) {
          bson.string("listIndexes", plan_.name);
          write_whole_batch(bson);
        },
        [&](std::string_view index) {
          const auto name = find(index, "name");
          if (name && name->is_text()) present_.emplace(name->text(), index);
          collated_ = collated_ || has_collation(index);
        });
    if (!listed) return listed.error();
    if (*listed && !is_one_of(**listed, {NamespaceNotFound})) refused(**listed);
    if (collated_) {
      troubles_.push_back({"ids and unique fields that differ may be taken for the same", "its collection has a collation",
                           "it was made with one, and can only be made anew without"});
    }
    return {};
  }

  Result<void> make(bool unique) {
    for (const IndexPlan& index : plan_.indexes) {
      if (index.unique != unique || is_there(index) || !newest_.is_ours) continue;
      if (auto made = make(index); !made) return made.error();
    }
    return {};
  }

  Result<void> drop_unwanted() {
    if (!newest_.is_known || !newest_.is_ours || !troubles_.empty()) return {};
    for (const auto& present : present_) {
      const std::string& name = present.first;
      if (!name.starts_with(kIndexPrefix) || wants(name)) continue;
      const auto dropped = conversation_.call(
          [&](BsonWriter& bson) {
            bson.string("dropIndexes", plan_.name);
            bson.string("index", name);
          },
          true);
      if (!dropped) return dropped.error();
      if (dropped->error && !is_one_of(*dropped->error, {IndexNotFound, NamespaceNotFound})) {
        trouble("the index " + name + ", which is wanted no more, can't be dropped", *dropped->error, {});
      }
    }
    return {};
  }

  /// All of it, or to look at it. Whatever is refused for the same reason after that is not told as well.
  void refused(const ServerError& error) {
    trouble("its collection and indexes can't be made", error, {});
    refused_with_ = error.code;
  }

  void trouble(std::string what, const ServerError& error, const std::string& keys) {
    if (refused_with_ == error.code) return;
    troubles_.push_back({std::move(what), in_words(error, keys), error.message + " (" + std::to_string(error.code) + ")"});
  }

  Prepared outcome() {
    const auto stands = [&](const IndexPlan& index) {
      if (!index.unique || is_there(index)) return true;
      return !newest_.is_ours && !newest_.indexes.contains(plan_.name + "." + index.name);
    };
    return {.name = plan_.name,
            .complete = !collated_ && std::all_of(plan_.indexes.begin(), plan_.indexes.end(), stands),
            .whole = !newest_.is_ours || std::all_of(plan_.indexes.begin(), plan_.indexes.end(),
                                                     [&](const IndexPlan& index) { return is_there(index); }),
            .troubles = std::move(troubles_)};
  }

 private:
  bool wants(std::string_view name) const {
    return std::any_of(plan_.indexes.begin(), plan_.indexes.end(), [&](const IndexPlan& index) { return index.name == name; });
  }

  bool is_there(const IndexPlan& index) const {
    const auto found = present_.find(index.name);
    return found != present_.end() && serves(index, found->second);
  }

  /// A unique index is served by none that leaves documents out which it has.
  static bool serves(const IndexPlan& index, std::string_view present) {
    if (!index.unique) return true;
    const auto unique = find(present, "unique");
    if (!unique || !unique->is_true()) return false;
    return find(index.spec, "partialFilterExpression").has_value() || !find(present, "partialFilterExpression");
  }

  Result<void> make(const IndexPlan& index) {
    const auto made = conversation_.call(
        [&](BsonWriter& bson) {
          bson.string("createIndexes", plan_.name);
          bson.array("indexes", [&] { bson.raw("0", index.spec); });
        },
        true);
    if (!made) return made.error();
    if (!made->error || (is_one_of(*made->error, {IndexOptionsConflict, IndexKeySpecsConflict}) && another_serves(index))) {
      present_.emplace(index.name, index.spec);
    } else {
      trouble((index.unique ? "the unique index on " : "the index on ") + index.keys + " can't be made", *made->error,
              index.keys);
    }
    return {};
  }

  /// One of other programs, by another name.
  bool another_serves(const IndexPlan& index) const {
    const auto keys = find(index.spec, "key");
    return std::any_of(present_.begin(), present_.end(), [&](const auto& present) {
      const auto its = find(present.second, "key");
      return its && same_keys(keys->document(), its->document()) && serves(index, present.second);
    });
  }

  Conversation& conversation_;
  const CollectionPlan& plan_;
  const Newest& newest_;
  std::map<std::string, std::string> present_;  // name → as listIndexes gives it
  std::vector<Trouble> troubles_;
  std::optional<std::int32_t> refused_with_;
  bool collated_ = false;
};

/// The names of collections; none where they may not be listed, which making them then finds out.
Result<std::set<std::string>> collections(Conversation& conversation) {
  std::set<std::string> names;
  const auto listed = conversation.list(
      [](BsonWriter& bson) {
        bson.int32("listCollections", 1);
        bson.boolean("nameOnly", true);
        bson.boolean("authorizedCollections", true);
        write_whole_batch(bson);
      },
      [&](std::string_view collection) {
        const auto name = find(collection, "name");
        if (name && name->is_text()) names.emplace(name->text());
      });
  if (!listed) return listed.error();
  return names;
}

/// nullopt: it is there.
Result<std::optional<ServerError>> make_collection(Conversation& conversation, std::string_view name) {
  const auto made = conversation.call([&](BsonWriter& bson) { bson.string("create", name); }, true);
  if (!made) return made.error();
  return made->error && made->error->code != NamespaceExists ? made->error : std::nullopt;
}

Result<Prepared> prepare(Step step, Conversation& conversation, const CollectionPlan& plan, const Newest& newest,
                         const std::set<std::string>& there) {
  Indexes indexes(conversation, plan, newest);
  if (step == Step::collections && !there.contains(plan.name)) {
    const auto refused = make_collection(conversation, plan.name);
    if (!refused) return refused.error();
    if (*refused) indexes.refused(**refused);
  }
  if (auto looked = indexes.look(); !looked) return looked.error();
  if (step == Step::unique_indexes) {
    if (auto made = indexes.make(true); !made) return made.error();
  } else if (step == Step::other_indexes) {
    if (auto made = indexes.make(false); !made) return made.error();
    if (auto dropped = indexes.drop_unwanted(); !dropped) return dropped.error();
  }
  return indexes.outcome();
}

/// Those that ours came after.
Result<void> forget_earlier(Conversation& conversation, const Reading& reading) {
  const auto forgotten = conversation.call(
      [&](BsonWriter& bson) {
        bson.string("delete", kReadings);
        bson.array("deletes", [&] {
          bson.document("0", [&] {
            bson.document("q", [&] { bson.document("at", [&] { bson.date("$lt", reading.at); }); });
            bson.int32("limit", 0);
          });
        });
      },
      true);
  if (!forgotten) return forgotten.error();
  return {};
}

}  // namespace

Result<std::vector<Prepared>> take_step(Step step, const mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                        const Reading& reading, const net::Patience& patience) {
  net::Patience meeting = patience;
  meeting.until = std::min(meeting.until, monotonic_now() + 2 * target.uri->connect_timeout);
  const auto driver = Driver::connect(target, mongo::Role::primary, meeting);
  if (!driver) return driver.error();
  Conversation conversation(**driver, patience);
  std::set<std::string> there;
  if (step == Step::collections) {
    auto names = collections(conversation);
    if (!names) return names.error();
    there = std::move(*names);
    if (!there.contains(std::string(kReadings))) {
      if (const auto made = make_collection(conversation, kReadings); !made) return made.error();
    }
  }
  const auto reading_of_all = newest(conversation, plans, reading);
  if (!reading_of_all) return reading_of_all.error();
  std::vector<Prepared> all;
  for (const CollectionPlan& plan : plans) {
    auto prepared = prepare(step, conversation, plan, *reading_of_all, there);
    if (!prepared) return prepared.error();
    all.push_back(std::move(*prepared));
  }
  if (step == Step::other_indexes && reading_of_all->is_ours) {
    if (auto forgotten = forget_earlier(conversation, reading); !forgotten) return forgotten.error();
  }
  return all;
}

}  // namespace nacre::store::on_mongo
