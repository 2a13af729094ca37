#include "store/sqlite/operations.h"
#include "store/sqlite/stored_text.h"

namespace nacre::store::sqlite {
namespace {

Timestamp timestamp(std::int64_t milliseconds) { return Timestamp{Milliseconds{milliseconds}}; }

/// Texts of a row that are not as they are stored.
struct Room {
  std::string owner;
  std::string doc;
};

/// The row of a statement whose columns, from `first` on, are rev, created, updated, owner, doc.
Row row_of(const Run& run, std::string_view id, int first, Room& room) {
  return {.id = id,
          .rev = run.integer(first),
          .created = timestamp(run.integer(first + 1)),
          .updated = timestamp(run.integer(first + 2)),
          .owner = from_stored(run.text(first + 3), room.owner),
          .owned = !run.is_null(first + 3),
          .doc = json_from_stored(run.text(first + 4), room.doc)};
}

}  // namespace

Result<Document> read_document(Connection& connection, const Table& table, std::string_view id,
                               const std::optional<std::string>& owner) {
  Run run(connection, table.find_one);
  run.bind(id);
  if (!run.step()) {
    if (run.failed()) return run.failure();
    return Failure(Error::not_found);
  }
  Room room;
  const Row row = row_of(run, id, 0, room);
  if (owner && (!row.owned || row.owner != *owner)) return Failure(Error::not_found);
  Document document{.json = {}, .rev = row.rev, .updated = row.updated};
  append_document(document.json, row);
  return document;
}

Result<Document> FindOne::operator()(Connection& connection) const { return read_document(connection, *table, id, owner); }

FindPage::FindPage(const Table& table, const config::Resource& resource, const query::ListQuery& query,
                   const std::optional<std::string>& owner)
    : plan_(plan_list(table, resource, query, owner)), limit_(query.limit) {
  if (!query.fields.empty()) projection_.emplace(query.fields);
  for (const auto& key : query.sort) keys_.push_back(key.field);
}

Result<Page> FindPage::operator()(Connection& connection) const {
  Page page;
  page.items = "[";
  bool more = false;
  for (const Sql& segment : plan_.segments) {
    if (auto read = read_segment(connection, segment, page, more); !read) return read.error();
    if (more) break;
  }
  page.items += "]";
  if (!more) page.next.clear();
  if (plan_.total) {
    Run run(connection, plan_.total->text);
    for (const Value& value : plan_.total->values) run.bind_value(value);
    if (!run.step()) return run.failure();
    page.total = static_cast<std::uint64_t>(run.integer(0));
  }
  return page;
}

/// One row more than the page holds is asked for, which tells whether there is a next page.
Result<void> FindPage::read_segment(Connection& connection, const Sql& segment, Page& page, bool& more) const {
  constexpr int kFirstKey = 6;
  Run run(connection, segment.text);
  for (const Value& value : segment.values) run.bind_value(value);
  run.bind(static_cast<std::int64_t>(limit_ - page.size + 1));
  const auto full = [&] { return page.size == limit_ || page.items.size() > kMaxPageBytes; };
  Room room;
  while (run.step()) {
    if (full()) {
      more = true;
      return {};
    }
    if (page.size > 0) page.items += ',';
    const Row row = row_of(run, run.text(0), 1, room);
    if (projection_) {
      projection_->append(page.items, row);
    } else {
      append_document(page.items, row);
    }
    ++page.size;
    if (full()) {
      for (std::size_t i = 0; i < keys_.size(); ++i) {
        page.next.push_back(key_value(run, kFirstKey + static_cast<int>(i), keys_[i]));
      }
    }
  }
  if (run.failed()) return run.failure();
  return {};
}

Result<std::optional<std::string>> Recall::operator()(Connection& connection) const {
  static const std::string sql = "SELECT value FROM " + std::string(kRememberedTable) + " WHERE key = ? AND expires > ?";
  Run run(connection, sql);
  run.bind(std::string_view(key)).bind(std::int64_t{now.time_since_epoch().count()});
  if (run.step()) return std::optional(std::string(run.text(0)));
  if (run.failed()) return run.failure();
  return std::optional<std::string>();
}

Result<void> Ping::operator()(Connection& connection) const {
  static const std::string sql = "SELECT count(*) FROM sqlite_schema";
  return Run(connection, sql).finish();
}

}  // namespace nacre::store::sqlite
