#include "store/mongo/index_builder.h"

#include <algorithm>
#include <array>
#include <set>

#include "mongo/handshake.h"
#include "mongo/message.h"
#include "mongo/reply.h"

namespace nacre::store::mongo {
namespace {

using nacre::mongo::Answer;
using nacre::mongo::Command;
using nacre::mongo::ReplyView;
using nacre::mongo::ServerError;

constexpr std::int32_t kNamespaceNotFound = 26;
constexpr std::int32_t kIndexNotFound = 27;
constexpr std::int32_t kNamespaceExists = 48;
constexpr std::int32_t kIndexOptionsConflict = 85;  // the same index by another name

/// A conversation that blocks.
class Conversation {
 public:
  Conversation(net::Socket socket, const nacre::mongo::Uri& uri, net::Patience patience)
      : socket_(std::move(socket)), uri_(uri), patience_(std::move(patience)) {}

  /// `write`: with the URI's write concern.
  Result<Answer> call(Command command, bool write) {
    std::string out;
    append_command(out, *sequence_, [&](BsonWriter& bson) {
      command(bson);
      bson.string("$db", uri_.database);
      if (write) {
        bson.document("writeConcern", [&] { bson.string("w", "majority"); });
      }
    });
    if (auto sent = net::write_all(socket_, out, patience_); !sent) return sent.error();
    std::optional<nacre::mongo::Reply> reply;
    const auto sink = [&](nacre::mongo::Reply&& whole) { reply = std::move(whole); };
    while (!reply) {
      const auto read = net::read_some(socket_, buffer_, patience_);
      if (!read) return read.error();
      if (!codec_.take(std::span(buffer_).first(*read), sink)) return nacre::mongo::malformed();
    }
    const auto view = ReplyView::read(reply->document());
    if (!view) return view.error();
    return Answer{std::move(*reply), *view, view->error()};
  }

 private:
  net::Socket socket_;
  const nacre::mongo::Uri& uri_;
  const net::Patience patience_;
  const std::shared_ptr<nacre::mongo::Sequence> sequence_ = std::make_shared<nacre::mongo::Sequence>();
  nacre::mongo::Codec codec_{sequence_};
  std::vector<char> buffer_ = std::vector<char>(4096);
};

/// An answer without an error other than those that are expected.
Result<std::optional<ServerError>> unless_expected(const Result<Answer>& answer, std::initializer_list<std::int32_t> expected) {
  if (!answer) return answer.error();
  if (!answer->error) return std::optional<ServerError>();
  if (std::find(expected.begin(), expected.end(), answer->error->code) == expected.end()) {
    Failure failure(Error::unavailable, "the store is away");
    failure.internal = answer->error->message;
    return failure;
  }
  return std::optional(*answer->error);
}

/// The names in the batch of a command that lists things.
Result<std::set<std::string>> names_in(const Answer& listed) {
  const auto batch = nacre::mongo::find(listed.view.cursor, "firstBatch");
  if (!batch || !batch->is_document()) return nacre::mongo::malformed();
  std::set<std::string> names;
  BsonReader reader(batch->document());
  BsonElement element;
  while (reader.next(element)) {
    const auto name = element.is_document() ? nacre::mongo::find(element.document(), "name") : std::nullopt;
    if (name && name->is_text()) names.emplace(name->text());
  }
  return names;
}

/// In one batch, so that there is no cursor to go on with.
void write_whole_batch(BsonWriter& bson) {
  bson.document("cursor", [&] { bson.int32("batchSize", 10'000); });
}

/// The indexes of one collection.
class Indexes {
 public:
  Indexes(Conversation& conversation, const CollectionPlan& plan) : conversation_(conversation), plan_(plan) {}

  /// Those that are there, by name; none where there is no collection.
  Result<std::set<std::string>> look() {
    const auto list = [&](BsonWriter& bson) {
      bson.string("listIndexes", plan_.name);
      write_whole_batch(bson);
    };
    auto listed = conversation_.call(list, false);
    const auto missing = unless_expected(listed, {kNamespaceNotFound});
    if (!missing) return missing.error();
    if (*missing) return std::set<std::string>();
    return names_in(*listed);
  }

  Result<void> drop_unwanted() {
    const auto present = look();
    if (!present) return present.error();
    for (const std::string& name : *present) {
      if (!name.starts_with(kIndexPrefix) || wants(name)) continue;
      if (auto dropped = drop(name); !dropped) return dropped.error();
    }
    return {};
  }

  Result<Prepared> make(bool unique) {
    const auto present = look();
    if (!present) return present.error();
    Prepared prepared{.name = plan_.name};
    for (const IndexPlan& index : plan_.indexes) {
      if (index.unique != unique || present->contains(index.name)) continue;
      const auto made = make(index);
      if (!made) return made.error();
      if (!*made && prepared.blocked.empty()) prepared.blocked = index.keys;
    }
    return prepared;
  }

 private:
  bool wants(std::string_view name) const {
    return std::any_of(plan_.indexes.begin(), plan_.indexes.end(), [&](const IndexPlan& index) { return index.name == name; });
  }

  Result<void> drop(const std::string& name) {
    const auto command = [&](BsonWriter& bson) {
      bson.string("dropIndexes", plan_.name);
      bson.string("index", name);
    };
    auto dropped = unless_expected(conversation_.call(command, true), {kIndexNotFound, kNamespaceNotFound});
    if (!dropped) return dropped.error();
    return {};
  }

  /// False when documents stand against it.
  Result<bool> make(const IndexPlan& index) {
    const auto command = [&](BsonWriter& bson) {
      bson.string("createIndexes", plan_.name);
      bson.array("indexes", [&] { bson.raw("0", index.spec); });
    };
    const auto made = unless_expected(conversation_.call(command, true), {11000, kIndexOptionsConflict});
    if (!made) return made.error();
    return !*made || !(*made)->is_duplicate_key();
  }

  Conversation& conversation_;
  const CollectionPlan& plan_;
};

Result<Conversation> converse(const nacre::mongo::Target& target, const net::Patience& patience) {
  net::Patience meeting = patience;
  meeting.until = std::min(meeting.until, monotonic_now() + 2 * target.uri->connect_timeout);
  auto opened = handshake(target, nacre::mongo::Role::primary, meeting);
  if (!opened) return opened.error();
  return Conversation(std::move(opened->socket), *target.uri, patience);
}

}  // namespace

Result<Complete> make_collections(const nacre::mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                  const net::Patience& patience) {
  auto conversation = converse(target, patience);
  if (!conversation) return conversation.error();
  const auto list = [](BsonWriter& bson) {
    bson.int32("listCollections", 1);
    bson.boolean("nameOnly", true);
    write_whole_batch(bson);
  };
  const auto listed = conversation->call(list, false);
  if (const auto error = unless_expected(listed, {}); !error) return error.error();
  const auto present = names_in(*listed);
  if (!present) return present.error();
  Complete complete;
  for (const CollectionPlan& plan : plans) {
    if (present->contains(plan.name)) {
      const auto indexes = Indexes(*conversation, plan).look();
      if (!indexes) return indexes.error();
      const auto is_there = [&](const IndexPlan& index) { return !index.unique || indexes->contains(index.name); };
      if (std::all_of(plan.indexes.begin(), plan.indexes.end(), is_there)) complete.insert(plan.name);
    } else {
      const auto create = [&](BsonWriter& bson) { bson.string("create", plan.name); };
      if (auto made = unless_expected(conversation->call(create, true), {kNamespaceExists}); !made) return made.error();
    }
  }
  return complete;
}

Result<std::vector<Prepared>> make_unique_indexes(const nacre::mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                                  const net::Patience& patience) {
  auto conversation = converse(target, patience);
  if (!conversation) return conversation.error();
  std::vector<Prepared> all;
  for (const CollectionPlan& plan : plans) {
    auto prepared = Indexes(*conversation, plan).make(true);
    if (!prepared) return prepared.error();
    all.push_back(std::move(*prepared));
  }
  return all;
}

Result<void> make_other_indexes(const nacre::mongo::Target& target, const std::vector<CollectionPlan>& plans,
                                const net::Patience& patience) {
  auto conversation = converse(target, patience);
  if (!conversation) return conversation.error();
  for (const CollectionPlan& plan : plans) {
    Indexes indexes(*conversation, plan);
    if (auto dropped = indexes.drop_unwanted(); !dropped) return dropped.error();
    if (auto made = indexes.make(false); !made) return made.error();
  }
  return {};
}

}  // namespace nacre::store::mongo
