#include <algorithm>
#include <utility>

#include "store/document.h"
#include "store/mongo/operations.h"
#include "store/mongo/to_json.h"

namespace nacre::store::mongo {
namespace {

using nacre::mongo::ServerError;
using nacre::mongo::Transaction;

constexpr std::size_t kMostBytes =
    16UL * 1024 * 1024;  // of a command's document; maxBsonObjectSize, and a little is the server's

/// Text of documents that become BSON on the loop: each of its values may take as long as some 10 bytes that are scanned.
constexpr std::size_t kEncodedOnLoop = fiber::kLoopText / 8;

Failure too_large() { return {Error::too_large, "the documents are too large for the store"}; }

/// The keys of a unique index as the server names them: "slug" or "author, title".
std::string keys_of(const ServerError& error) {
  std::string keys;
  if (error.key_pattern.empty()) return keys;
  BsonReader reader(error.key_pattern);
  BsonElement key;
  while (reader.next(key)) keys.append(keys.empty() ? "" : ", ").append(key.name);
  return keys;
}

/// What a server that names no keys says in its message: "… index: NAME dup key: …".
std::string keys_in(const std::string& message, const CollectionPlan& plan) {
  for (const IndexPlan& index : plan.indexes) {
    if (index.unique && message.find("index: " + index.name) != std::string::npos) return index.keys;
  }
  return message.find("index: _id_") != std::string::npos ? "_id" : "";
}

void write_document(BsonWriter& bson, const NewDocument& document, const DateFields& dates) {
  write_id(bson, "_id", document.id);
  bson.int64("_rev", 1);
  bson.date("_created", document.created);
  bson.date("_updated", document.created);
  if (document.owner) {
    bson.string("_owner", *document.owner);
  } else {
    bson.null("_owner");
  }
  write_fields(bson, document.fields, dates);
}

Result<std::string> encode(const Fields& fields, const DateFields& dates) {
  std::string encoded;
  BsonWriter bson(encoded);
  bson.document([&] { write_fields(bson, fields.values, dates); });
  if (encoded.size() > kMostBytes) return too_large();
  return encoded;
}

}  // namespace

Failure conflict(const ServerError& error, const Collection& collection, std::optional<std::size_t> place) {
  Failure failure = error.failure();
  if (!error.is_duplicate_key()) return failure;
  std::string keys = keys_of(error);
  if (keys.empty()) keys = keys_in(error.message, collection.plan);
  if (keys.empty()) return failure;
  name_taken(failure, keys, place);
  return failure;
}

Result<Insert::Documents> Insert::encode(const std::vector<NewDocument>& documents, const DateFields& dates) {
  Documents encoded;
  encoded.ids.reserve(documents.size());
  BsonWriter bson(encoded.bson);
  const std::size_t start = bson.begin();
  for (const NewDocument& document : documents) {
    bson.document(IndexName(encoded.ids.size()).view(), [&] { write_document(bson, document, dates); });
    if (encoded.bson.size() > kMostBytes) return too_large();
    encoded.ids.push_back(document.id);
  }
  bson.end(start);
  return encoded;
}

Result<Insert> Insert::make(std::shared_ptr<Collection> collection, std::vector<NewDocument> documents,
                            const std::optional<Remember>& remember) {
  std::size_t size = 0;
  for (const NewDocument& document : documents) size += document.text.size();
  auto encoded =
      size <= kEncodedOnLoop
          ? encode(documents, collection->dates)
          : fiber::on_thread<Documents>([documents = std::make_shared<const std::vector<NewDocument>>(std::move(documents)),
                                         dates = collection->dates] { return encode(*documents, dates); });
  if (!encoded) return encoded.error();
  return Insert(std::move(collection), remember, std::move(*encoded));
}

void Insert::write_command(BsonWriter& bson) const {
  bson.string("insert", collection_->name);
  bson.raw("documents", documents_.bson, BsonType::array);
}

Failure Insert::conflict(const ServerError& error) const {
  std::optional<std::size_t> place;
  if (documents_.ids.size() > 1) place = static_cast<std::size_t>(error.index);
  return mongo::conflict(error, *collection_, place);
}

Result<void> Insert::operator()(Client& client, const Demand& demand) {
  if (documents_.ids.size() == 1 && !remember_) {
    const auto answer = client.write([this](BsonWriter& bson) { write_command(bson); }, demand);
    if (!answer) return answer.error();
    if (answer->error) return conflict(*answer->error);
    return {};
  }
  const auto has_transactions = client.has_transactions(demand);
  if (!has_transactions) return has_transactions.error();
  return *has_transactions ? in_transaction(client, demand) : without(client, demand);
}

Result<void> Insert::in_transaction(Client& client, const Demand& demand) const {
  return client.transact(
      [this](Transaction& transaction) -> Result<void> {
        const auto inserted = transaction.run([this](BsonWriter& bson) { write_command(bson); });
        if (!inserted) return inserted.error();
        if (inserted->error) return conflict(*inserted->error);
        if (!remember_) return {};
        const RememberValue remember{*remember_};
        return RememberValue::outcome(transaction.run([&](BsonWriter& bson) { remember.write_command(bson); }));
      },
      demand);
}

/// Documents are inserted in their order, up to the first that can't be; those before it are deleted again.
Result<void> Insert::without(Client& client, const Demand& demand) const {
  const auto inserted = client.write([this](BsonWriter& bson) { write_command(bson); }, demand);
  if (!inserted) return inserted.error();
  std::size_t to_delete = 0;
  std::optional<Failure> failure;
  if (inserted->error) {
    failure = conflict(*inserted->error);
    to_delete = static_cast<std::size_t>(
        std::clamp<std::int64_t>(inserted->view.n, 0, static_cast<std::int64_t>(documents_.ids.size())));
  } else if (remember_) {
    if (auto remembered = RememberValue{*remember_}(client, demand); !remembered) {
      failure = remembered.error();
      to_delete = documents_.ids.size();
    }
  }
  if (!failure) return {};
  if (to_delete == 0) return *failure;
  const auto take_back = [&](BsonWriter& bson) {
    bson.string("delete", collection_->name);
    bson.array("deletes", [&] {
      bson.document("0", [&] {
        bson.document("q", [&] {
          bson.document("_id", [&] {
            bson.array("$in", [&] {
              for (std::size_t i = 0; i < to_delete; ++i) write_id(bson, IndexName(i).view(), documents_.ids[i]);
            });
          });
          bson.int64("_rev", 1);
        });
        bson.int32("limit", 0);
      });
    });
  };
  (void)client.write(take_back, {.until = fiber::deadline()});
  return *failure;
}

State State::of(std::string_view document) {
  const auto copy = [&](std::string_view name) {
    const auto element = nacre::mongo::find(document, name);
    return element ? Element({element->type, std::string(element->value)}) : std::nullopt;
  };
  return {copy("_rev"), copy("_created"), copy("_updated")};
}

void State::write(BsonWriter& bson) const {
  const auto member = [&](std::string_view name, const Element& element) {
    if (element) {
      bson.document(name, [&] { bson.raw("$eq", element->second, element->first); });
    } else {
      bson.null(name);  // or missing
    }
  };
  member("_rev", rev);
  member("_created", created);
  member("_updated", updated);
}

Result<std::optional<State>> Condition::check(Client& client, std::string_view collection) const {
  if (!precondition->judge) return std::optional<State>();
  auto answer = checked(client.read(
      [&](BsonWriter& bson) {
        bson.string("find", collection);
        bson.document("filter", [&] { write(bson, std::nullopt); });
        bson.int32("limit", 1);
        bson.boolean("singleBatch", true);
      },
      {.role = Role::primary, .use = Use::shared}));
  if (!answer) return answer.error();
  return read<std::optional<State>>(std::move(*answer),
                                    [asked = precondition](const Answer& found) -> Result<std::optional<State>> {
                                      const auto bson = only_document(found);
                                      if (!bson) return bson.error();
                                      const auto current = to_document(*bson);
                                      if (!current) return current.error();
                                      if (auto holds = asked->judge(*current); !holds) return holds.error();
                                      return std::optional(State::of(*bson));
                                    });
}

void Condition::write(BsonWriter& bson, const std::optional<State>& state) const {
  write_id(bson, "_id", id);
  if (precondition->owner) bson.string("_owner", *precondition->owner);
  if (state) state->write(bson);
}

Result<Replace> Replace::make(std::shared_ptr<Collection> collection, std::string_view id, Fields fields, Timestamp updated,
                              const Precondition& precondition) {
  const std::size_t size = fields.text.size();
  auto bson = size <= kEncodedOnLoop
                  ? encode(fields, collection->dates)
                  : fiber::on_thread<std::string>([fields = std::make_shared<const Fields>(std::move(fields)),
                                                   dates = collection->dates] { return encode(*fields, dates); });
  if (!bson) return bson.error();
  return Replace(std::move(collection), {id, precondition}, std::move(*bson), updated);
}

/// What the server sets is computed from the document that is there; the user's fields are a literal, in which nothing is an
/// operator.
void Replace::write_update(BsonWriter& bson) const {
  const auto merged = [&] {
    bson.document("0", [&] {
      bson.string("_id", "$_id");
      bson.document("_rev", [&] {
        bson.array("$add", [&] {
          bson.document("0", [&] {
            bson.array("$ifNull", [&] {
              bson.string("0", "$_rev");
              bson.int64("1", 1);
            });
          });
          bson.int64("1", 1);
        });
      });
      bson.string("_created", "$_created");
      bson.date("_updated", updated_);
      bson.string("_owner", "$_owner");
    });
    bson.document("1", [&] { bson.raw("$literal", fields_); });
  };
  bson.document("0", [&] { bson.document("$replaceWith", [&] { bson.array("$mergeObjects", merged); }); });
}

Result<Document> Replace::operator()(Client& client, const Demand& demand) const {
  for (;;) {
    const auto state = condition_.check(client, collection_->name);
    if (!state) return state.error();
    auto answer = client.write(
        [&](BsonWriter& bson) {
          bson.string("findAndModify", collection_->name);
          bson.document("query", [&] { condition_.write(bson, *state); });
          bson.array("update", [&] { write_update(bson); });
          bson.boolean("new", true);
        },
        demand);
    if (!answer) return answer.error();
    if (answer->error) return conflict(*answer->error, *collection_, std::nullopt);
    const auto& value = answer->view.value;
    if (value && value->type == BsonType::document) {
      return read<Document>(std::move(*answer), [](const Answer& done) { return to_document(done.view.value->document()); });
    }
    if (!*state) return Failure(Error::not_found);
  }
}

Result<void> Erase::operator()(Client& client, const Demand& demand) const {
  for (;;) {
    const auto state = condition_.check(client, collection_->name);
    if (!state) return state.error();
    const auto answer = checked(client.write(
        [&](BsonWriter& bson) {
          bson.string("delete", collection_->name);
          bson.array("deletes", [&] {
            bson.document("0", [&] {
              bson.document("q", [&] { condition_.write(bson, *state); });
              bson.int32("limit", 1);
            });
          });
        },
        demand));
    if (!answer) return answer.error();
    if (answer->view.n > 0) return {};
    if (!*state) return Failure(Error::not_found);
  }
}

/// Replaces a value that has expired, or makes one: where there is another, its key is taken.
void RememberValue::write_command(BsonWriter& bson) const {
  bson.string("update", kRemembered);
  bson.array("updates", [&] {
    bson.document("0", [&] {
      bson.document("q", [&] {
        bson.string("_id", value.key);
        bson.document("expires", [&] { bson.date("$lte", value.now); });
      });
      bson.document("u", [&] {
        bson.string("_id", value.key);
        bson.string("value", value.value);
        bson.date("expires", value.expires);
      });
      bson.boolean("upsert", true);
    });
  });
}

Result<void> RememberValue::outcome(const Result<Answer>& answer) {
  if (!answer) return answer.error();
  if (!answer->error) return {};
  return answer->error->is_duplicate_key() ? Failure(Error::remembered) : answer->error->failure();
}

Result<void> RememberValue::operator()(Client& client, const Demand& demand) const {
  return outcome(client.write([this](BsonWriter& bson) { write_command(bson); }, demand));
}

}  // namespace nacre::store::mongo
