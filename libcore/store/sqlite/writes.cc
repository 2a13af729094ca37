#include "json/parse.h"
#include "store/sqlite/operations.h"
#include "store/sqlite/stored_text.h"

namespace nacre::store::sqlite {
namespace {

std::int64_t milliseconds(Timestamp moment) { return moment.time_since_epoch().count(); }

void bind_optional(Run& run, const std::optional<std::string>& value) {
  if (value) {
    run.bind(std::string_view(*value));
  } else {
    run.bind_null();
  }
}

/// A broken unique index, told in the configuration's words. `place`: the document's among several.
Failure conflict(Run& run, const Connection& connection, const Blueprint& blueprint, std::optional<std::size_t> place) {
  const std::string message = sqlite3_errmsg(connection.handle());
  const int code = run.code();
  Failure failure = run.failure();
  if (failure.error != Error::conflict) return failure;
  std::string keys = blueprint.keys_of(message);
  if (keys.empty() && code == SQLITE_CONSTRAINT_PRIMARYKEY) keys = "_id";
  if (!keys.empty()) name_taken(failure, keys, place);
  return failure;
}

}  // namespace

Insert::Insert(std::shared_ptr<const Table> table, Blueprint& blueprint, std::vector<NewDocument> documents,
               const std::optional<Remember>& remember)
    : table_(std::move(table)), blueprint_(blueprint), remember_(remember) {
  items_.reserve(documents.size());
  for (NewDocument& document : documents) {
    items_.push_back({std::move(document.id), text_of(std::move(document)), document.created, std::move(document.owner)});
  }
}

std::vector<std::string_view> Insert::ids() const {
  std::vector<std::string_view> ids;
  ids.reserve(items_.size());
  for (const Item& item : items_) ids.emplace_back(item.id);
  return ids;
}

Result<void> Insert::operator()(Connection& connection) const {
  if (remember_) {
    if (auto remembered = RememberValue{*remember_}(connection); !remembered) return remembered;
  }
  for (std::size_t i = 0; i < items_.size(); ++i) {
    auto inserted = insert_one(connection, items_[i], items_.size() > 1 ? std::optional(i) : std::nullopt);
    if (!inserted) return inserted.error();
  }
  return {};
}

Result<void> Insert::insert_one(Connection& connection, const Item& item, std::optional<std::size_t> place) const {
  const std::int64_t created = milliseconds(item.created);
  const std::optional<std::string> owner = item.owner ? std::optional(to_stored(*item.owner)) : std::nullopt;
  std::string room;
  Run run(connection, table_->insert);
  run.bind(std::string_view(item.id)).bind(created).bind(created);
  bind_optional(run, owner);
  run.bind(json_to_stored(item.doc, room));
  run.step();
  if (run.failed()) return conflict(run, connection, blueprint_, place);
  return {};
}

Result<void> Target::check(Connection& connection, const Table& table) const {
  if (!precondition.judge && !precondition.owner) return {};
  const auto current = read_document(connection, table, id, precondition.owner);
  if (!current) return current.error();
  return precondition.judge ? precondition.judge(*current) : Result<void>();
}

Replace::Replace(std::shared_ptr<const Table> table, Blueprint& blueprint, std::string_view id, Fields fields,
                 Timestamp updated, const Precondition& precondition)
    : table_(std::move(table)),
      blueprint_(blueprint),
      target_{std::string(id), precondition},
      doc_(text_of(std::move(fields))),
      updated_(updated) {}

Result<Document> Replace::operator()(Connection& connection) const {
  if (auto holds = target_.check(connection, *table_); !holds) return holds.error();
  std::string doc;
  std::string owner;
  Run run(connection, table_->replace);
  run.bind(json_to_stored(doc_, doc)).bind(milliseconds(updated_)).bind(std::string_view(target_.id));
  if (!run.step()) {
    if (run.failed()) return conflict(run, connection, blueprint_, std::nullopt);
    return Failure(Error::not_found);
  }
  const Row row{.id = target_.id,
                .rev = run.integer(0),
                .created = Timestamp{Milliseconds{run.integer(1)}},
                .updated = updated_,
                .owner = from_stored(run.text(2), owner),
                .owned = !run.is_null(2),
                .doc = doc_};
  Document document{.json = {}, .rev = row.rev, .updated = updated_};
  append_document(document.json, row);
  if (auto finished = run.finish(); !finished) return finished.error();
  return document;
}

Result<void> Erase::operator()(Connection& connection) const {
  if (auto holds = target_.check(connection, *table_); !holds) return holds.error();
  if (auto erased = Run(connection, table_->erase).bind(std::string_view(target_.id)).finish(); !erased) return erased.error();
  if (sqlite3_changes(connection.handle()) == 0) return Failure(Error::not_found);
  return {};
}

Result<void> RememberValue::operator()(Connection& connection) const {
  static const std::string sql = "INSERT INTO " + std::string(kRememberedTable) +
                                 " AS kept (key, value, expires) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
                                 " value = excluded.value, expires = excluded.expires WHERE kept.expires <= ?";
  Run run(connection, sql);
  run.bind(std::string_view(value.key)).bind(std::string_view(value.value)).bind(milliseconds(value.expires));
  if (auto written = run.bind(milliseconds(value.now)).finish(); !written) return written;
  if (sqlite3_changes(connection.handle()) == 0) return Failure(Error::remembered);
  return {};
}

}  // namespace nacre::store::sqlite
