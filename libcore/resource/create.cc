#include "base/object_id.h"
#include "fiber/fiber.h"
#include "http/fields.h"
#include "resource/actions.h"
#include "resource/body.h"
#include "resource/idempotency.h"
#include "resource/reply.h"
#include "store/document.h"

namespace nacre::resource {

namespace {

constexpr std::size_t kMaxDocuments = 1'000;
constexpr std::size_t kMaxRefusedDocuments = 50;  // after which no further document is listed

Failure bad_id(const std::string& place) {
  Failure failure(Error::unprocessable, "the document does not satisfy the schema");
  failure.errors.push_back({place + "/_id", "must be a string of 1 to 64 of A-Z a-z 0-9 _ . ~ -, and neither . nor .."});
  return failure;
}

/// Takes the client's `_id` out of a document, or makes one.
Result<std::string> take_id(Json& document, const std::string& place, Timestamp now) {
  JsonObject* const object = document.if_object();
  const Json* const id = object != nullptr ? object->if_contains("_id") : nullptr;
  if (id == nullptr) return make_object_id(now);
  if (!id->is_string() || !is_document_id(std::string_view(id->get_string()))) return bad_id(place);
  std::string text(id->get_string());
  object->stable_erase("_id");
  return text;
}

Result<store::NewDocument> new_document(const Call& call, Json document, const std::string& place) {
  const Timestamp now = fiber::reactor().wall();
  auto id = take_id(document, place, now);
  if (!id) return id.error();
  auto fields = check_document(call.resource(), std::move(document), place);
  if (!fields) return fields.error();
  return store::NewDocument{std::move(*id), std::move(*fields), now, call.identity.user};
}

/// All that is wrong with any of them, as far as a client can read.
Result<std::vector<store::NewDocument>> new_documents(const Call& call, Json body) {
  JsonArray* const array = body.if_array();
  if (array == nullptr) {
    auto document = new_document(call, std::move(body), "");
    if (!document) return document.error();
    return std::vector<store::NewDocument>{std::move(*document)};
  }
  if (array->empty() || array->size() > kMaxDocuments) {
    return Failure(Error::unprocessable, "an array must hold 1 to 1,000 documents");
  }
  std::vector<store::NewDocument> documents;
  documents.reserve(array->size());
  std::optional<Failure> failure;
  for (std::size_t i = 0; i < array->size(); ++i) {
    auto document = new_document(call, std::move((*array)[i]), '/' + std::to_string(i));
    if (document) {
      documents.push_back(std::move(*document));
    } else if (!failure) {
      failure = document.error();
    } else if (failure->errors.size() < kMaxRefusedDocuments) {
      const auto more = document.error().errors;
      failure->errors.insert(failure->errors.end(), more.begin(), more.end());
    }
  }
  if (failure) return *failure;
  return documents;
}

/// The answer to a creation, known before it is done: the server sets all that the client did not.
http::Response created(const Call& call, const std::vector<store::NewDocument>& documents, bool array) {
  if (!array) return created_reply(call, documents.front());
  http::Response response(201);
  response.add_static("Cache-Control", "no-store");
  if (http::prefers_minimal(call.request)) {
    response.add_static("Preference-Applied", "return=minimal");
    return response;
  }
  response.body = R"({"items":[)";
  for (const store::NewDocument& document : documents) {
    if (&document != documents.data()) response.body += ',';
    response.body += store::render(document).json;
  }
  response.body += "]}";
  return response;
}

Result<http::Response> insert(const Call& call, const Idempotency* idempotency, bool& kept) {
  auto body = json_body(call.request);
  if (!body) return body.error();
  const bool array = body->is_array();
  const auto documents = new_documents(call, std::move(*body));
  if (!documents) return documents.error();
  const auto asked = http::Preconditions::of(call.request);
  if (!asked) return asked.error();
  if (!asked->none()) {
    if (auto holds = judge_collection(call, *asked); !holds) return holds.error();
  }
  http::Response response = created(call, *documents, array);
  std::optional<store::Remember> remember;
  if (idempotency != nullptr) remember = idempotency->kept(response);
  const Stopwatch stopwatch(call.trace.waits.store);
  const auto inserted = call.backend.store.insert(call.resource(), *documents, remember);
  if (!inserted) return inserted.error();
  kept = remember.has_value();
  return response;
}

}  // namespace

Result<http::Response> create(const Call& call) {
  auto idempotency = Idempotency::of(call);
  if (!idempotency) return idempotency.error();
  bool kept = false;
  if (!*idempotency) return insert(call, nullptr, kept);
  auto replayed = (*idempotency)->begin();
  if (!replayed) return replayed.error();
  if (*replayed) return std::move(**replayed);
  auto answer = insert(call, &**idempotency, kept);
  return (*idempotency)->finish(std::move(answer), kept);
}

}  // namespace nacre::resource
