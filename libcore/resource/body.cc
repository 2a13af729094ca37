#include "resource/body.h"

#include <algorithm>

#include "http/fields.h"
#include "http/response.h"
#include "json/parse.h"
#include "json/pointer.h"

namespace nacre::resource {

namespace {

constexpr std::size_t kMaxErrors = 50;
constexpr std::size_t kMaxErrorBytes = 64UL << 10U;  // of their pointers, about

/// Where a value lies, from the inside out: a pointer is written for an error only, since names may be long.
struct Step {
  const Step* outer;
  std::string_view name;  ///< without data: an item
  std::size_t index = 0;
};

void append_steps(std::string& pointer, const Step* step) {
  if (step == nullptr) return;
  append_steps(pointer, step->outer);
  if (step->name.data() == nullptr) {
    append_pointer_token(pointer, step->index);
  } else {
    append_pointer_token(pointer, step->name);
  }
}

bool is_full(const std::vector<FieldError>& errors) {
  std::size_t bytes = 0;
  for (const FieldError& error : errors) bytes += error.pointer.size();
  return errors.size() >= kMaxErrors || bytes >= kMaxErrorBytes;
}

const char* flaw_of_name(std::string_view name) {
  if (name.empty()) return nullptr;
  if (name.front() == '_') return "names that begin with _ belong to the server";
  if (name.front() == '$') return "names must not begin with $";
  if (name.find('.') != std::string_view::npos) return "names must not hold a dot";
  if (name.find('\0') != std::string_view::npos) return "names must not hold NUL";
  return nullptr;
}

/// Depth is bounded by parse_json.
void check_names(const Json& value, const std::string& place, const Step* way, std::vector<FieldError>& errors) {
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      if (is_full(errors)) return;
      const std::string_view name(member.key().data(), member.key().size());
      const Step step{way, name};
      if (const char* flaw = flaw_of_name(name)) {
        errors.push_back({place, flaw});
        append_steps(errors.back().pointer, &step);
      } else if (member.value().is_structured()) {
        check_names(member.value(), place, &step, errors);
      }
    }
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size() && !is_full(errors); ++i) {
      const Step step{way, {}, i};
      if ((*array)[i].is_structured()) check_names((*array)[i], place, &step, errors);
    }
  }
}

Failure does_not_fit(std::vector<FieldError> errors) {
  Failure failure(Error::unprocessable, "the document does not satisfy the schema");
  failure.errors = std::move(errors);
  return failure;
}

/// Takes a revision out of the object, into `rev`.
void take_rev(JsonObject& object, SentBack& sent, std::vector<FieldError>& errors) {
  const Json* const value = object.if_contains("_rev");
  if (value == nullptr) return;
  boost::system::error_code no_integer;  // 3.0 is one
  if (value->is_number()) sent.rev = value->to_number<std::int64_t>(no_integer);
  if (!sent.rev || no_integer) {
    sent.rev.reset();
    errors.push_back({"/_rev", "must be an integer"});
  }
  object.stable_erase("_rev");
}

}  // namespace

Result<SentBack> take_sent_back(Json& document, std::string_view id) {
  SentBack sent;
  JsonObject* const object = document.if_object();
  if (object == nullptr) return sent;
  std::vector<FieldError> errors;
  const Json* const given = object->if_contains("_id");
  if (given != nullptr && (!given->is_string() || std::string_view(given->get_string()) != id))
    errors.push_back({"/_id", "must be the one in the path"});
  take_rev(*object, sent, errors);
  if (!errors.empty()) return does_not_fit(std::move(errors));
  for (const char* const name : {"_id", "_created", "_updated", "_owner"}) object->stable_erase(name);
  return sent;
}

Result<SentBack> take_revision(Json& document) {
  SentBack sent;
  std::vector<FieldError> errors;
  if (document.is_object()) take_rev(document.get_object(), sent, errors);
  if (!errors.empty()) return does_not_fit(std::move(errors));
  return sent;
}

Result<void> check_coding(const http::Request& request) {
  if (!http::has_content_coding(request)) return {};
  return Failure(Error::unsupported_media_type, "Content-Encoding: bodies are taken as they are, without a coding");
}

Result<void> check_json_type(const http::Request& request) {
  if (auto plain = check_coding(request); !plain) return plain.error();
  const auto type = http::media_type(request.header("Content-Type").value_or(""));
  if (type != http::kJson) return Failure(Error::unsupported_media_type, "Content-Type must be application/json");
  return {};
}

Result<JsonObject> check_document(const config::Resource& resource, Json document, schema::Effort& effort,
                                  const std::string& place) {
  if (!document.is_object()) return does_not_fit({{place, "must be an object"}});
  std::vector<FieldError> errors;
  check_names(document, place, nullptr, errors);
  for (FieldError& error : resource.schema.normalize(document, effort)) {
    error.pointer.insert(0, place);
    const bool known =
        std::any_of(errors.begin(), errors.end(), [&](const FieldError& e) { return e.pointer == error.pointer; });
    if (!known && !is_full(errors)) errors.push_back(std::move(error));
  }
  if (!errors.empty()) return does_not_fit(std::move(errors));
  return std::move(document.get_object());
}

Result<store::Fields> written(JsonObject fields) {
  std::string text;
  append_json(text, fields);
  if (text.size() > kMaxDocument) return Failure(Error::too_large, "the document would be larger than 4 MB");
  return store::Fields(std::move(fields), std::move(text));
}

Result<JsonObject> check_document(const config::Resource& resource, Json document) {
  schema::Effort effort;
  return check_document(resource, std::move(document), effort);
}

}  // namespace nacre::resource
