#include "app/nacre/app.h"
#include "base/object_id.h"
#include "fiber/fiber.h"
#include "json/parse.h"
#include "query/list_query.h"
#include "resource/body.h"
#include "resource/call.h"
#include "resource/precondition.h"
#include "resource/reply.h"
#include "store/document.h"
#include "store/find_page.h"

namespace nacre {

namespace {

Result<Json> parsed(const Result<store::Document>& document) {
  if (!document) return document.error();
  return parse_json(document->json);
}

/// Takes the client's place: a parameter as it stands in a query string.
void add_parameter(std::string& query, std::string_view name, std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  if (value.empty()) return;
  if (!query.empty()) query += '&';
  query.append(name).push_back('=');
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    query.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
  }
}

std::string query_string(const Find& find) {
  std::string query;
  std::string where;
  if (!find.where.is_null()) append_json(where, find.where);
  add_parameter(query, "where", where);
  add_parameter(query, "sort", find.sort);
  add_parameter(query, "fields", find.fields);
  add_parameter(query, "after", find.after);
  add_parameter(query, "limit", std::to_string(find.limit));
  if (find.count) add_parameter(query, "count", "true");
  return query;
}

store::Precondition at_revision(std::optional<std::int64_t> rev) {
  if (!rev) return {};
  return resource::precondition({}, rev);
}

Failure no_such_resource() {
  Failure failure(Error::internal);
  failure.internal = "the handler asks for a collection that is no resource of nacre.yaml";
  return failure;
}

}  // namespace

Collection::Collection(const resource::Call& call, std::string_view name)
    : call_(call), resource_(call.backend.config.resource(name)) {}

Result<Json> Collection::find_one(std::string_view id) {
  if (resource_ == nullptr) return no_such_resource();
  const Stopwatch stopwatch(call_.trace.waits.store);
  return parsed(call_.backend.store.find_one(*resource_, id, std::nullopt));
}

Result<Json> Collection::find(const Find& find) {
  if (resource_ == nullptr) return no_such_resource();
  const auto query = query::parse_list_query(query_string(find), *resource_);
  if (!query) return query.error();
  const Stopwatch stopwatch(call_.trace.waits.store);
  const auto page = store::find_page(call_.backend.store, *resource_, *query, std::nullopt);
  if (!page) return page.error();
  auto items = parse_json(page->items);
  if (!items) return items.error();
  JsonObject result{{"items", std::move(*items)}, {"next", nullptr}};
  if (!page->next.empty()) result["next"] = query::encode_cursor(resource_->name, *query, page->next);
  if (page->total) result["total"] = *page->total;
  return Json(std::move(result));
}

Result<Json> Collection::insert(Json document) {
  if (resource_ == nullptr) return no_such_resource();
  const Timestamp now = fiber::reactor().wall();
  auto fields = resource::check_document(*resource_, std::move(document));
  if (!fields) return fields.error();
  auto written = resource::written(std::move(*fields));
  if (!written) return written.error();
  std::vector<store::NewDocument> inserted;
  inserted.push_back({make_object_id(now), std::move(written->values), now, call_.identity.user, std::move(written->text)});
  const std::string shown = store::render(inserted.front()).json;
  const Stopwatch stopwatch(call_.trace.waits.store);
  if (auto stored = call_.backend.store.insert(*resource_, std::move(inserted), std::nullopt); !stored) return stored.error();
  return parse_json(shown);
}

Result<Json> Collection::replace(std::string_view id, Json document, std::optional<std::int64_t> rev) {
  if (resource_ == nullptr) return no_such_resource();
  const auto sent = resource::take_sent_back(document, id);
  if (!sent) return sent.error();
  if (rev && sent->rev && rev != sent->rev) return Failure(Error::precondition_failed, "the document has another _rev");
  if (!rev) rev = sent->rev;
  auto fields = resource::check_document(*resource_, std::move(document));
  if (!fields) return fields.error();
  auto written = resource::written(std::move(*fields));
  if (!written) return written.error();
  const Stopwatch stopwatch(call_.trace.waits.store);
  return parsed(call_.backend.store.replace(*resource_, id, std::move(*written), fiber::reactor().wall(), at_revision(rev)));
}

Result<void> Collection::erase(std::string_view id, std::optional<std::int64_t> rev) {
  if (resource_ == nullptr) return no_such_resource();
  const Stopwatch stopwatch(call_.trace.waits.store);
  return call_.backend.store.erase(*resource_, id, at_revision(rev));
}

}  // namespace nacre
