#include "store/mongo/operations.h"
#include "store/mongo/to_json.h"

namespace nacre::store::mongo {
namespace {

void write_owner(BsonWriter& bson, const std::optional<std::string>& owner) {
  if (owner) bson.string("_owner", *owner);
}

/// One `find` of a page: `limit` documents at most.
Result<Answer> ask_segment(Client& client, std::string_view collection, const ListPlan& plan, std::size_t segment,
                           std::int64_t limit) {
  return checked(client.read([&](BsonWriter& bson) {
    bson.string("find", collection);
    bson.document("filter", [&] { plan.write_filter(bson, segment); });
    bson.document("sort", [&] { plan.write_sort(bson); });
    if (plan.has_projection()) {
      bson.document("projection", [&] { plan.write_projection(bson); });
    }
    bson.int64("limit", limit);
    bson.int64("batchSize", limit);
  }));
}

/// What a reply of a size that no batch may have has left on the server.
void end_cursor(Client& client, std::string_view collection, const Answer& answer) {
  const auto id = nacre::mongo::find(answer.view.cursor, "id");
  if (!id || !id->is_integer()) return;
  (void)client.read(
      [&](BsonWriter& bson) {
        bson.string("killCursors", collection);
        bson.array("cursors", [&] { bson.int64("0", id->integer()); });
      },
      {.concern = false});
}

Result<std::uint64_t> count(Client& client, std::string_view collection, const ListPlan& plan) {
  auto answer = checked(client.read([&](BsonWriter& bson) {
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
  }));
  if (!answer) return answer.error();
  const auto batch = Batch::of(*answer);
  if (!batch) return batch.error();
  BsonReader reader(batch->documents);
  BsonElement group;
  if (!reader.next(group)) return std::uint64_t{0};
  const auto n = nacre::mongo::find(group.document(), "n");
  const auto count = n && n->is_number() ? n->whole<std::uint64_t>() : std::nullopt;
  if (!count) return malformed();
  return *count;
}

bool is_full(const Page& page, const query::ListQuery& query) {
  return page.size == query.limit || page.items.size() > kMaxPageBytes;
}

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

Result<Document> find_one(Client& client, std::string_view collection, std::string_view id,
                          const std::optional<std::string>& owner) {
  const auto answer = checked(client.read([&](BsonWriter& bson) {
    bson.string("find", collection);
    bson.document("filter", [&] {
      write_id(bson, "_id", id);
      write_owner(bson, owner);
    });
    bson.int32("limit", 1);
    bson.boolean("singleBatch", true);
  }));
  if (!answer) return answer.error();
  const auto batch = Batch::of(*answer);
  if (!batch) return batch.error();
  BsonReader reader(batch->documents);
  BsonElement document;
  if (!reader.next(document)) return reader.failed() ? malformed() : Failure(Error::not_found);
  return document.is_document() ? to_document(document.document()) : Result<Document>(malformed());
}

/// One document more than the page holds is asked for, which tells whether there is a next page.
Result<Page> find_page(Client& client, std::string_view collection, const query::ListQuery& query,
                       const std::optional<std::string>& owner) {
  const ListPlan plan(query, owner);
  const FieldTree fields(query.fields);
  Page page;
  page.items = "[";
  bool more = false;
  for (std::size_t segment = 0; segment < plan.segments() && !more; ++segment) {
    const std::size_t limit = query.limit - page.size + 1;
    const auto answer = ask_segment(client, collection, plan, segment, static_cast<std::int64_t>(limit));
    if (!answer) return answer.error();
    const auto batch = Batch::of(*answer);
    if (!batch) return batch.error();
    BsonReader reader(batch->documents);
    BsonElement document;
    std::string_view last;
    while (reader.next(document) && !more) {
      more = is_full(page, query);
      if (more) break;
      if (page.size++ > 0) page.items += ',';
      last = document.is_document() ? document.document() : std::string_view();
      if (!append_document(page.items, last, fields)) return malformed();
    }
    if (reader.failed()) return malformed();
    if (batch->more) end_cursor(client, collection, *answer);
    more = more || batch->more;
    if (last.empty() || (!is_full(page, query) && !more)) continue;
    page.next.clear();
    for (const auto& key : query.sort) page.next.push_back(key_value(last, key.field.path));
  }
  page.items += "]";
  if (!more) page.next.clear();
  if (query.count) {
    const auto total = count(client, collection, plan);
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
      {.role = Role::primary}));
  if (!answer) return answer.error();
  const auto batch = Batch::of(*answer);
  if (!batch) return batch.error();
  BsonReader reader(batch->documents);
  BsonElement document;
  if (!reader.next(document)) return std::optional<std::string>();
  const auto value = document.is_document() ? nacre::mongo::find(document.document(), "value") : std::nullopt;
  if (!value || !value->is_text()) return std::optional<std::string>();
  return std::optional(std::string(value->text()));
}

Result<void> ping(Client& client) {
  const auto answer = checked(client.read([](BsonWriter& bson) { bson.int32("ping", 1); }, {.concern = false}));
  if (!answer) return answer.error();
  return {};
}

}  // namespace nacre::store::mongo
