#include "base/object_id.h"
#include "fiber/fiber.h"
#include "http/fields.h"
#include "resource/actions.h"
#include "resource/body.h"
#include "resource/idempotency.h"
#include "resource/off_loop.h"
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

/// Takes the client's `_id` out of a document; "" where there is none.
Result<std::string> take_id(Json& document, const std::string& place) {
  JsonObject* const object = document.if_object();
  const Json* const id = object != nullptr ? object->if_contains("_id") : nullptr;
  if (id == nullptr) return std::string();
  if (!id->is_string() || !is_document_id(std::string_view(id->get_string()))) return bad_id(place);
  std::string text(id->get_string());
  object->stable_erase("_id");
  return text;
}

/// What documents are made with, on any thread.
struct Maker {
  const config::Resource& resource;
  Timestamp now;
  std::optional<std::string> owner;

  /// Without an id where the client gave none.
  Result<store::NewDocument> make(Json document, schema::Effort& effort, const std::string& place) const {
    auto id = take_id(document, place);
    if (!id) return id.error();
    auto fields = check_document(resource, std::move(document), effort, place);
    if (!fields) return fields.error();
    auto made = written(std::move(*fields));
    if (!made) return made.error();
    return store::NewDocument{std::move(*id), std::move(made->values), now, owner, std::move(made->text)};
  }
};

struct NewDocuments {
  std::vector<store::NewDocument> documents;
  bool array = false;
};

/// All that is wrong with any of them, as far as a client can read.
Result<NewDocuments> new_documents(const Maker& maker, std::string_view text, schema::Effort& effort) {
  auto body = parse_json(text);
  if (!body) return body.error();
  JsonArray* const array = body->if_array();
  NewDocuments made{{}, array != nullptr};
  if (array == nullptr) {
    auto document = maker.make(std::move(*body), effort, "");
    if (!document) return document.error();
    made.documents.push_back(std::move(*document));
    return made;
  }
  if (array->empty() || array->size() > kMaxDocuments) {
    return Failure(Error::unprocessable, "an array must hold 1 to 1,000 documents");
  }
  made.documents.reserve(array->size());
  std::optional<Failure> failure;
  for (std::size_t i = 0; i < array->size(); ++i) {
    auto document = maker.make(std::move((*array)[i]), effort, '/' + std::to_string(i));
    if (document) {
      made.documents.push_back(std::move(*document));
    } else if (!failure) {
      failure = document.error();
    } else if (failure->errors.size() < kMaxRefusedDocuments) {
      const auto more = document.error().errors;
      failure->errors.insert(failure->errors.end(), more.begin(), more.end());
    }
  }
  if (failure) return *failure;
  return made;
}

/// The answer to a creation, known before it is done: the server sets all that the client did not.
Result<http::Response> created(const Call& call, const std::vector<store::NewDocument>& documents, bool array) {
  if (!array) return created_reply(call, documents.front());
  http::Response response(201);
  response.cache_control = "no-store";
  if (http::prefers_minimal(call.request)) {
    response.add_static("Preference-Applied", "return=minimal");
    return response;
  }
  response.body = R"({"items":[)";
  for (const store::NewDocument& document : documents) {
    if (&document != documents.data()) response.body += ',';
    store::append_new_document(response.body, document);
  }
  response.body += "]}";
  return response;
}

/// What the store refused of an array of one document, with pointers into the body: it names places only among several.
Failure in_array_of_one(Failure refused) {
  for (FieldError& error : refused.errors) error.pointer.insert(0, "/0");
  return refused;
}

Result<http::Response> insert(const Call& call, const Idempotency* idempotency, bool& kept) {
  if (auto json = check_json_type(call.request); !json) return json.error();
  BodyWork work(call);
  const Maker maker{call.resource(), fiber::reactor().wall(), call.identity.user};
  auto made = work.run<NewDocuments>(
      {call.request.body}, call.request.body.size(),
      [maker](const BodyWork::Texts& texts, schema::Effort& effort) { return new_documents(maker, texts[0], effort); });
  if (!made) return made.error();
  for (store::NewDocument& document : made->documents) {
    if (document.id.empty()) document.id = make_object_id(maker.now);
  }
  const auto asked = http::Preconditions::of(call.request);
  if (!asked) return asked.error();
  if (!asked->none()) {
    if (auto holds = judge_collection(call, *asked); !holds) return holds.error();
  }
  auto response = created(call, made->documents, made->array);
  if (!response) return response.error();
  std::optional<store::Remember> remember;
  if (idempotency != nullptr) remember = idempotency->kept(*response);
  const Stopwatch stopwatch(call.trace.waits.store);
  const bool array_of_one = made->array && made->documents.size() == 1;
  const auto inserted = call.backend.store.insert(call.resource(), std::move(made->documents), remember);
  if (!inserted) return array_of_one ? in_array_of_one(inserted.error()) : inserted.error();
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
