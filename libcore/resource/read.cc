#include "base/object_id.h"
#include "cache/key.h"
#include "http/conditional.h"
#include "query/list_query.h"
#include "query/parameters.h"
#include "resource/actions.h"
#include "resource/off_loop.h"
#include "resource/reply.h"
#include "store/document.h"
#include "store/find_page.h"

namespace nacre::resource {

namespace {

Result<cache::Entry> to_entry(std::string body, std::optional<Timestamp> modified) {
  auto shown = tagged(std::move(body));
  if (!shown) return shown.error();
  return cache::Entry{std::move(shown->text), shown->etag, modified};
}

/// The answer of a list: `{"items":[…],"total":N,"next":"…"}`. `next` comes last, where `next_cursor` looks for it.
Result<cache::Entry> load_list(store::Store& store, const config::Resource& resource, const std::string& raw_query) {
  const auto query = query::parse_list_query(raw_query, resource);
  if (!query) return query.error();
  const auto page = store::find_page(store, resource, *query, std::nullopt);
  if (!page) return page.error();
  std::string body;
  body.reserve(page->items.size() + 128);
  body.append(R"({"items":)").append(page->items);
  if (page->total) body.append(R"(,"total":)").append(std::to_string(*page->total));
  if (page->next.empty()) {
    body += R"(,"next":null})";
  } else {
    body.append(R"(,"next":")").append(query::encode_cursor(resource.name, *query, page->next)).append("\"}");
  }
  return to_entry(std::move(body), std::nullopt);
}

/// The cursor at the end of a list's body; "" on the last page.
std::string_view next_cursor(std::string_view body) {
  if (!body.ends_with("\"}")) return {};
  body.remove_suffix(2);
  return body.substr(body.rfind('"') + 1);
}

/// The request's own URI with another `after` (RFC 8288). What a URI can't hold is percent-encoded, so that nothing of the
/// query can end the header's value early.
std::string next_link(const http::Request& request, std::string_view cursor) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string link = "<";
  link.append(request.mount).append(request.path).push_back('?');
  for (std::string_view rest = request.query; !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view parameter = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (parameter.empty() || parameter.starts_with("after=")) continue;
    for (const char c : parameter) {
      if (c > 0x20 && c < 0x7F && std::string_view("<>\"\\^`{|}").find(c) == std::string_view::npos) {
        link += c;
      } else {
        const auto byte = static_cast<unsigned char>(c);
        link.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
      }
    }
    link += '&';
  }
  return link.append("after=").append(cursor).append(">; rel=\"next\"");
}

/// Answers out of the cache, or through it, and tells the trace what came of it. `make_load` makes what reads the store, when
/// it comes to that; `show` makes of the entry what is shown of it.
template <class MakeLoad, class Show>
Answer answer(const Call& call, const cache::Key& key, MakeLoad make_load, Show show) {
  const config::CachePolicy& policy = call.resource().cache;
  Answer answer(std::in_place);  // which is returned by all ways: it is not moved
  cache::Entry& entry = *answer;
  Milliseconds age{};
  if (!fiber::on_fiber()) {
    const auto found = call.backend.cache.find_fresh(key, entry);
    if (!found) {
      answer.reset();
      return answer;
    }
    age = *found;
    call.trace.cache = cache::Outcome::l1_hit;
  } else {
    const auto served = call.backend.cache.get(key, policy, make_load, call.trace.waits, entry);
    call.trace.cache = served ? served->outcome : policy.on ? cache::Outcome::miss : cache::Outcome::none;
    if (!served) {
      answer = http::Response::failed(served.error());
      return answer;
    }
    age = served->age;
  }
  Result<void> good = show(entry);
  if (good && call.request.conditional) good = judge(call, *answer);
  if (good) {
    finish(call, *answer, age);
  } else {
    answer = http::Response::failed(good.error());
  }
  return answer;
}

Result<void> show_part(cache::Entry& document, const std::vector<std::string>& fields) {
  if (fields.empty()) return {};
  const std::size_t size = document.body.size();
  auto part = fiber::scan<std::string>(
      size, [fields, body = std::move(document.body)]() -> Result<std::string> { return store::Projection(fields).of(body); });
  if (!part) return part.error();
  document.body = std::move(*part);
  return {};
}

/// `fields` of a document's query string; empty: all. No other parameter is known.
Result<std::vector<std::string>> fields_of(const Call& call) {
  const auto parameters = query::parse_parameters(call.request.query);
  if (!parameters) return parameters.error();
  for (const auto& [name, value] : *parameters) {
    if (name != "fields") return Failure(Error::bad_request, query::shown(name) + ": no such parameter; fields is allowed");
  }
  auto query = query::parse_list_query(call.request.query, call.resource());
  if (!query) return query.error();
  return std::move(query->fields);
}

}  // namespace

Answer read(const Call& call) {
  if (!is_document_id(call.match.id)) return http::Response::failed(no_such_document());
  std::vector<std::string> fields;
  if (!call.request.query.empty()) {
    auto asked = fields_of(call);
    if (!asked) return http::Response::failed(asked.error());
    fields = std::move(*asked);
  }
  store::Store* const store = &call.backend.store;
  const config::Resource* const resource = &call.resource();
  const auto make_load = [&] {
    return [store, resource, id = std::string(call.match.id)]() -> Result<cache::Entry> {
      auto document = store->find_one(*resource, id, std::nullopt);
      if (!document) return document.error();
      return to_entry(std::move(document->json), document->updated);
    };
  };
  // The whole document is cached, once, and its ETag stays: it names the document's state, whatever is shown of it.
  return answer(call, cache::Key::document(call.backend.config.fingerprint, resource->name, call.match.id), make_load,
                [&](cache::Entry& entry) { return show_part(entry, fields); });
}

Answer list(const Call& call) {
  store::Store* const store = &call.backend.store;
  const config::Resource* const resource = &call.resource();
  const auto make_load = [&] {
    return [store, resource, query = std::string(call.request.query)] { return load_list(*store, *resource, query); };
  };
  std::string cursor;
  auto page = answer(call, cache::Key::list(call.backend.config.fingerprint, resource->name, call.request.query), make_load,
                     [&](const cache::Entry& entry) -> Result<void> {
                       cursor = next_cursor(entry.body);
                       return {};
                     });
  if (page && !page->failure && !cursor.empty()) page->add("Link", next_link(call.request, cursor));
  return page;
}

Result<void> judge_collection(const Call& call, const http::Preconditions& asked) {
  const auto now = load_list(call.backend.store, call.resource(), "");
  if (!now) return now.error();
  const auto outcome = asked.judge(now->etag, now->last_modified);
  if (!outcome) return outcome.error();
  return {};
}

}  // namespace nacre::resource
