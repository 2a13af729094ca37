#include "store/mongo/operations.h"
#include "store/mongo/to_json.h"

namespace nacre::store::on_mongo {
namespace {

void write_owner(BsonWriter& bson, const std::optional<std::string>& owner) {
  if (owner) bson.string("_owner", *owner);
}

/// What a server says of a list that it does not take: the client's matter, and no fault of the store.
Result<Answer> taken(Result<Answer> answer) {
  if (!answer || !answer->error) return answer;
  switch (answer->error->code) {
    case 2:      // BadValue
    case 9:      // FailedToParse
    case 51091:  // a regular expression that is too long
      return Failure(Error::bad_request, "where: the store does not take this condition");
    case 292:  // QueryExceededMemoryLimitNoDiskUseAllowed
      return Failure(Error::bad_request, "sort: there are too many documents to sort without an index");
    default:
      return answer->error->failure();
  }
}

/// One `find` of a page: `limit` documents at most. A batch that could hold more is the last one, so that no cursor is left.
Result<Answer> ask_segment(Client& client, std::string_view collection, const ListPlan& plan, std::size_t segment,
                           std::int64_t limit, Role role) {
  return taken(client.read(
      [&](BsonWriter& bson) {
        bson.string("find", collection);
        bson.document("filter", [&] { plan.write_filter(bson, segment); });
        bson.document("sort", [&] { plan.write_sort(bson); });
        if (plan.has_projection()) {
          bson.document("projection", [&] { plan.write_projection(bson); });
        }
        bson.int64("limit", limit);
        bson.int64("batchSize", limit + 1);
      },
      {.role = role}));
}

/// What a reply of a size that no batch may have has left on the server; 0: nothing.
std::int64_t open_cursor(const Answer& answer) {
  const auto id = mongo::find(answer.view.cursor, "id");
  return id && id->is_integer() ? id->integer() : 0;
}

void end_cursor(Client& client, std::string_view collection, std::int64_t cursor, Role role) {
  (void)client.read(
      [&](BsonWriter& bson) {
        bson.string("killCursors", collection);
        bson.array("cursors", [&] { bson.int64("0", cursor); });
      },
      {.role = role, .concern = false});
}

Result<std::uint64_t> count(Client& client, std::string_view collection, const ListPlan& plan, Role role) {
  auto answer = taken(client.read(
      [&](BsonWriter& bson) {
        bson.string("aggregate", collection);
        bson.array("pipeline", [&] {
          bson.document("0", [&] { bson.document("$match", [&] { plan.write_whole_filter(bson); }); });
          bson.document("1", [&] {
            bson.document("$group", [&] {
              bson.int32("_id", 1);
              bson.document("n", [&] { bson.int32("$sum", 1); });
            });
          });
        });
        bson.document("cursor", [] {});
      },
      {.role = role}));
  if (!answer) return answer.error();
  const auto batch = Batch::of(*answer);
  if (!batch) return batch.error();
  BsonReader reader(batch->documents);
  BsonElement group;
  if (!reader.next(group)) return std::uint64_t{0};
  const auto n = mongo::find(group.document(), "n");
  const auto count = n && n->is_number() ? n->whole<std::uint64_t>() : std::nullopt;
  if (!count) return malformed();
  return *count;
}

/// A page as it is put together, out of the answers for its segments.
class PageReader {
 public:
  explicit PageReader(const query::ListQuery& query) : limit_(query.limit), fields_(query.fields) {
    for (const auto& key : query.sort) keys_.push_back(key.field);
    page_.items = "[";
  }

  /// How many documents the next answer may hold: one more than the page does, which tells whether there is a next page.
  std::size_t wanted() const noexcept { return limit_ - page_.size + 1; }

  /// Whether there are more documents than the page holds.
  Result<bool> add(const Answer& answer) {
    const auto batch = Batch::of(answer);
    if (!batch) return batch.error();
    BsonReader reader(batch->documents);
    BsonElement document;
    std::string_view last;
    bool more = false;
    while (!more && reader.next(document)) {
      more = is_full();
      if (more) break;
      if (page_.size++ > 0) page_.items += ',';
      last = document.is_document() ? document.document() : std::string_view();
      if (!append_document(page_.items, last, fields_)) return malformed();
    }
    if (reader.failed()) return malformed();
    more = more || batch->more;
    if (last.empty() || (!is_full() && !more)) return more;
    page_.next.clear();
    for (const query::FieldRef& field : keys_) {
      auto key = sort_key(last, field);
      if (key) page_.next.push_back(std::move(*key));
      if (!key) return key.error();
    }
    return more;
  }

  Page finish(bool more) {
    page_.items += ']';
    if (!more) page_.next.clear();
    return std::move(page_);
  }

 private:
  bool is_full() const noexcept { return page_.size == limit_ || page_.items.size() > kMaxPageBytes; }

  const std::size_t limit_;
  const FieldTree fields_;
  std::vector<query::FieldRef> keys_;
  Page page_;
};

}  // namespace

Result<Answer> checked(Result<Answer> answer) {
  if (answer && answer->error) return answer->error->failure();
  return answer;
}

Result<Batch> Batch::of(const Answer& answer) {
  BsonReader reader(answer.view.cursor);
  BsonElement element;
  Batch batch;
  while (reader.next(element)) {
    if (element.name == "firstBatch" && element.is_document()) batch.documents = element.document();
    if (element.name == "id" && element.is_integer()) batch.more = element.integer() != 0;
  }
  if (reader.failed() || batch.documents.empty()) return malformed();
  return batch;
}

namespace {

/// The one document that `filter` selects; Error::not_found.
Result<Found> find_only(Client& client, std::string_view collection, Role role, FunctionRef<void(BsonWriter& bson)> filter) {
  auto answer = checked(client.read(
      [&](BsonWriter& bson) {
        bson.string("find", collection);
        bson.document("filter", [&] { filter(bson); });
        bson.int32("limit", 1);
        bson.boolean("singleBatch", true);
      },
      {.role = role, .use = Use::shared}));
  if (!answer) return answer.error();
  const auto batch = Batch::of(*answer);
  if (!batch) return batch.error();
  BsonReader reader(batch->documents);
  BsonElement document;
  if (!reader.next(document)) return reader.failed() ? malformed() : Failure(Error::not_found);
  if (!document.is_document()) return malformed();
  return Found{std::move(*answer), document.document()};
}

}  // namespace

Result<Found> find_by_id(Client& client, std::string_view collection, std::string_view id,
                         const std::optional<std::string>& owner, Role role) {
  const auto is_missing = [](const Result<Found>& found) { return !found && found.error().error == Error::not_found; };
  auto found = find_only(client, collection, role, [&](BsonWriter& bson) {
    write_id(bson, "_id", id);
    write_owner(bson, owner);
  });
  if (!is_missing(found)) return found;
  for (const ForeignId& other : foreign_ids(id)) {
    found = find_only(client, collection, role, [&](BsonWriter& bson) {
      other.write(bson, "_id");
      write_owner(bson, owner);
    });
    if (!is_missing(found)) break;
  }
  return found;
}

Result<Document> find_one(Client& client, std::string_view collection, std::string_view id,
                          const std::optional<std::string>& owner, Role role) {
  auto found = find_by_id(client, collection, id, owner, role);
  if (!found) return found.error();
  return read<Document>(std::move(found->answer), [bson = found->bson](const Answer&) { return to_document(bson); });
}

Result<Page> find_page(Client& client, std::string_view collection, const query::ListQuery& query,
                       const std::optional<std::string>& owner, Role role) {
  const auto made = ListPlan::make(query, owner);
  if (!made) return made.error();
  const ListPlan& plan = *made;
  const auto reader = std::make_shared<PageReader>(query);
  bool more = false;
  for (std::size_t segment = 0; segment < plan.segments() && !more; ++segment) {
    auto answer = ask_segment(client, collection, plan, segment, static_cast<std::int64_t>(reader->wanted()), role);
    if (!answer) return answer.error();
    const std::int64_t cursor = open_cursor(*answer);
    const auto read_on = read<bool>(std::move(*answer), [reader](const Answer& found) { return reader->add(found); });
    if (!read_on) return read_on.error();
    if (cursor != 0) end_cursor(client, collection, cursor, role);
    more = *read_on;
  }
  Page page = reader->finish(more);
  if (query.count) {
    const auto total = count(client, collection, plan, role);
    if (!total) return total.error();
    page.total = *total;
  }
  return page;
}

Result<std::optional<std::string>> recall(Client& client, std::string_view key, Timestamp now) {
  const auto answer = checked(client.read(
      [&](BsonWriter& bson) {
        bson.string("find", kRemembered);
        bson.document("filter", [&] {
          bson.string("_id", key);
          bson.document("expires", [&] { bson.date("$gt", now); });
        });
        bson.int32("limit", 1);
        bson.boolean("singleBatch", true);
      },
      {.role = Role::primary, .use = Use::shared}));
  if (!answer) return answer.error();
  const auto batch = Batch::of(*answer);
  if (!batch) return batch.error();
  BsonReader reader(batch->documents);
  BsonElement document;
  if (!reader.next(document)) return std::optional<std::string>();
  const auto value = document.is_document() ? mongo::find(document.document(), "value") : std::nullopt;
  if (!value || !value->is_text()) return std::optional<std::string>();
  return std::optional(std::string(value->text()));
}

Result<void> ping(Client& client) {
  constexpr std::int32_t kCommandNotFound = 59;  // of servers before 4.2.10
  const auto answer =
      client.read([](BsonWriter& bson) { bson.int32("hello", 1); }, {Role::primary, Use::shared, /*concern=*/false});
  if (!answer) return answer.error();
  if (answer->error) return answer->error->code == kCommandNotFound ? Result<void>() : answer->error->failure();
  const auto writable = mongo::find(answer->reply.document(), "isWritablePrimary");
  if (!writable || !writable->is_true()) return mongo::away("the server is no primary");
  if (auto why = client.without_pool()) return std::move(*why);
  return {};
}

}  // namespace nacre::store::on_mongo
