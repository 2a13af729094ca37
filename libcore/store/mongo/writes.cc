#include <algorithm>
#include <utility>

#include "fiber/tries.h"
#include "store/document.h"
#include "store/mongo/operations.h"
#include "store/mongo/to_json.h"

namespace nacre::store::on_mongo {
namespace {

using mongo::ServerError;
using mongo::Transaction;

constexpr std::size_t kMostBytes =
    16UL * 1024 * 1024;  // of a command's document; maxBsonObjectSize, and a little is the server's

/// Text of documents that become BSON on the loop: each of its values may take as long as some 10 bytes that are scanned.
constexpr std::size_t kEncodedOnLoop = fiber::kLoopText / 8;
/// Names that MongoDB may have to compare each of a document's with.
constexpr std::size_t kMostGone = 100;

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

/// Calls `work()`, on a thread where it looks at much BSON.
template <class T, class Work>
Result<T> work_on(std::size_t bson, Work work) {
  if (bson <= fiber::kLoopText / 2) return work();
  return fiber::on_thread<T>(std::move(work));
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
  return on_mongo::conflict(error, *collection_, place);
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
      demand, remember_ ? std::optional<std::string_view>(remember_->key) : std::nullopt);
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

Result<std::shared_ptr<const Found>> Condition::find(Client& client, std::string_view collection) const {
  auto there = find_by_id(client, collection, id, precondition->owner, Role::primary);
  if (!there) return there.error();
  const auto found = std::make_shared<const Found>(std::move(*there));
  if (!precondition->judge) return found;
  return work_on<std::shared_ptr<const Found>>(found->bson.size(),
                                               [found, asked = precondition]() -> Result<std::shared_ptr<const Found>> {
                                                 const auto current = to_document(found->bson);
                                                 if (!current) return current.error();
                                                 if (auto holds = asked->judge(*current); !holds) return holds.error();
                                                 return found;
                                               });
}

/// What counts `_rev` up is known by that. Others' documents without a revision are compared whole.
void Condition::write(BsonWriter& bson, const Found& found) const {
  const auto member = [&](std::string_view name) {
    if (const auto element = mongo::find(found.bson, name)) {
      bson.document(name, [&] { bson.raw("$eq", element->value, element->type); });
    } else {
      bson.null(name);  // or missing
    }
  };
  const auto document_id = mongo::find(found.bson, "_id");
  if (document_id) bson.raw("_id", document_id->value, document_id->type);
  if (precondition->owner) bson.string("_owner", *precondition->owner);
  if (!precondition->judge) return;
  const auto rev = mongo::find(found.bson, "_rev");
  if (rev && rev->is_integer()) {
    for (const char* const name : {"_rev", "_created", "_updated"}) member(name);
    return;
  }
  bson.document("$expr", [&] {
    bson.array("$eq", [&] {
      bson.document("0", [&] {
        bson.array("$cmp", [&] {  // to which NaN is equal everywhere
          bson.string("0", "$$ROOT");
          bson.document("1", [&] { bson.raw("$literal", found.bson); });
        });
      });
      bson.int32("1", 0);
    });
  });
}

Result<Changes> Replace::changes(const std::shared_ptr<const Found>& found) const {
  const std::size_t size = found->bson.size() + fields_->text.size();
  const auto compare = [fields = fields_, found](const DateFields& dates) -> Result<Changes> {
    Changes changes;
    if (fields->patched) changes = changed_fields(fields->values, dates, found->bson);
    if (!fields->patched || changes.gone.size() > kMostGone)
      changes = {.fields = merged_fields(fields->values, dates, found->bson), .gone = {}, .all = true};
    if (changes.fields.size() > kMostBytes) return too_large();
    return changes;
  };
  if (size <= kEncodedOnLoop) return compare(collection_->dates);
  return fiber::on_thread<Changes>([compare, dates = collection_->dates] { return compare(dates); });
}

/// A pipeline, since nothing in a literal is a path or an operator, whatever the names of other programs' fields hold; and
/// since fields keep their places, and `_rev` is counted from what is there. What begins with `_` and is not the server's is
/// never touched.
void Replace::write_update(BsonWriter& bson, const Changes& changes) const {
  const auto kept = [&](std::string_view place, FunctionRef<void()> condition) {
    bson.document(place, [&] {
      bson.document("$arrayToObject", [&] {
        bson.document("$filter", [&] {
          bson.document("input", [&] { bson.string("$objectToArray", "$$ROOT"); });
          bson.document("cond", condition);
        });
      });
    });
  };
  const auto is_hidden = [&] {
    bson.array("$eq", [&] {
      bson.document("0", [&] {
        bson.array("$substrCP", [&] {
          bson.string("0", "$$this.k");
          bson.int32("1", 0);
          bson.int32("2", 1);
        });
      });
      bson.string("1", "_");
    });
  };
  const auto is_not_gone = [&] {
    bson.array("$not", [&] {
      bson.document("0", [&] {
        bson.array("$in", [&] {
          bson.string("0", "$$this.k");
          bson.document("1", [&] {
            bson.array("$literal", [&] {
              std::size_t index = 0;
              for (const std::string& name : changes.gone) bson.string(IndexName(index++).view(), name);
            });
          });
        });
      });
    });
  };
  const auto revision = [&] {  // as the API shows it: 1 for what is no number
    bson.array("$cond", [&] {
      bson.document("0", [&] {
        bson.array("$in", [&] {
          bson.document("0", [&] { bson.string("$type", "$_rev"); });
          bson.array("1", [&] {
            std::size_t index = 0;
            for (const char* const type : {"int", "long", "double"}) bson.string(IndexName(index++).view(), type);
          });
        });
      });
      bson.document("1", [&] {
        bson.document("$convert", [&] {
          bson.string("input", "$_rev");
          bson.string("to", "long");
          bson.int64("onError", 1);
        });
      });
      bson.int64("2", 1);
    });
  };
  const auto merged = [&] {
    if (changes.all) {
      kept("0", is_hidden);
    } else if (changes.gone.empty()) {
      bson.string("0", "$$ROOT");
    } else {
      kept("0", is_not_gone);
    }
    bson.document("1", [&] {
      bson.document("_rev", [&] {
        bson.array("$add", [&] {
          bson.document("0", revision);
          bson.int64("1", 1);
        });
      });
      bson.date("_updated", updated_);
    });
    bson.document("2", [&] { bson.raw("$literal", changes.fields); });
  };
  bson.document("0", [&] { bson.document("$replaceWith", [&] { bson.array("$mergeObjects", merged); }); });
}

Result<Document> Replace::operator()(Client& client, const Demand& demand) const {
  for (fiber::Tries tries = fiber::Tries::within_deadline();;) {
    const auto found = condition_.find(client, collection_->name);
    if (!found) return found.error();
    const auto changed = changes(*found);
    if (!changed) return changed.error();
    auto answer = client.write(
        [&](BsonWriter& bson) {
          bson.string("findAndModify", collection_->name);
          bson.document("query", [&] { condition_.write(bson, **found); });
          bson.array("update", [&] { write_update(bson, *changed); });
          bson.boolean("new", true);
        },
        demand);
    if (!answer) return answer.error();
    if (answer->error) return conflict(*answer->error, *collection_, std::nullopt);
    const auto& value = answer->view.value;
    if (value && value->type == BsonType::document) {
      return read<Document>(std::move(*answer), [](const Answer& done) { return to_document(done.view.value->document()); });
    }
    if (!condition_.precondition->judge) return Failure(Error::not_found);
    if (!tries.again()) return fiber::outrun();
  }
}

Result<std::int64_t> Erase::erase(Client& client, const Demand& demand, FunctionRef<void(BsonWriter& bson)> query) const {
  const auto answer = checked(client.write(
      [&](BsonWriter& bson) {
        bson.string("delete", collection_->name);
        bson.array("deletes", [&] {
          bson.document("0", [&] {
            bson.document("q", [&] { query(bson); });
            bson.int32("limit", 1);
          });
        });
      },
      demand));
  if (!answer) return answer.error();
  return answer->view.n;
}

Result<void> Erase::erase_any(Client& client, const Demand& demand) const {
  const auto of_owner = [&](BsonWriter& bson) {
    if (condition_.precondition->owner) bson.string("_owner", *condition_.precondition->owner);
  };
  auto gone = erase(client, demand, [&](BsonWriter& bson) {
    write_id(bson, "_id", condition_.id);
    of_owner(bson);
  });
  for (const ForeignId& other : foreign_ids(condition_.id)) {
    if (!gone || *gone > 0) break;
    gone = erase(client, demand, [&](BsonWriter& bson) {
      other.write(bson, "_id");
      of_owner(bson);
    });
  }
  if (!gone) return gone.error();
  return *gone > 0 ? Result<void>() : Failure(Error::not_found);
}

Result<void> Erase::operator()(Client& client, const Demand& demand) const {
  if (!condition_.precondition->judge) return erase_any(client, demand);
  for (fiber::Tries tries = fiber::Tries::within_deadline();;) {
    const auto found = condition_.find(client, collection_->name);
    if (!found) return found.error();
    const auto gone = erase(client, demand, [&](BsonWriter& bson) { condition_.write(bson, **found); });
    if (!gone) return gone.error();
    if (*gone > 0) return {};
    if (!tries.again()) return fiber::outrun();
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

}  // namespace nacre::store::on_mongo
