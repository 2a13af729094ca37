#include "resource/body.h"

#include <algorithm>

#include "base/function_ref.h"
#include "http/fields.h"
#include "http/response.h"
#include "json/parse.h"
#include "json/pointer.h"
#include "json/write.h"
#include "resource/flaws.h"

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

/// Calls `found(error)` for each name that is none of a client's, until that is false. Depth is bounded by parse_json.
using FoundName = FunctionRef<bool(FieldError error)>;

bool check_names(const Json& value, const std::string& place, const Step* way, FoundName found) {
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      const std::string_view name(member.key().data(), member.key().size());
      const Step step{way, name};
      if (const char* flaw = flaw_of_name(name)) {
        FieldError error{place, flaw};
        append_steps(error.pointer, &step);
        if (!found(std::move(error))) return false;
      } else if (member.value().is_structured() && !check_names(member.value(), place, &step, found)) {
        return false;
      }
    }
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      const Step step{way, {}, i};
      if ((*array)[i].is_structured() && !check_names((*array)[i], place, &step, found)) return false;
    }
  }
  return true;
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
  const bool is_own = given == nullptr || (given->is_string() ? std::string_view(given->get_string()) == id
                                                              : json_text(*given) == id);  // another program's number
  if (!is_own) errors.push_back({"/_id", "must be the one in the path"});
  take_rev(*object, sent, errors);
  if (!errors.empty()) return does_not_fit(std::move(errors));
  for (const std::string_view name : kServers) object->stable_erase(name);
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

namespace {

/// Adds what the schema says, at places that are not named yet.
void add_errors(std::vector<FieldError>& errors, std::vector<FieldError> more, const std::string& place) {
  for (FieldError& error : more) {
    error.pointer.insert(0, place);
    const bool known =
        std::any_of(errors.begin(), errors.end(), [&](const FieldError& e) { return e.pointer == error.pointer; });
    if (!known && !is_full(errors)) errors.push_back(std::move(error));
  }
}

std::vector<FieldError> errors_in(const config::Resource& resource, Json& document, schema::Effort& effort,
                                  const std::string& place) {
  if (!document.is_object()) return {{place, "must be an object"}};
  std::vector<FieldError> errors;
  check_names(document, place, nullptr, [&](FieldError error) {
    errors.push_back(std::move(error));
    return !is_full(errors);
  });
  add_errors(errors, resource.schema.normalize(document, effort), place);
  return errors;
}

/// The same without what is known.
std::vector<FieldError> errors_beside(const config::Resource& resource, Json& document, const Flaws& known,
                                      schema::Effort& effort) {
  const auto is_known = [&](const FieldError& error) { return known.contains(document, error); };
  std::vector<FieldError> errors;
  check_names(document, "", nullptr, [&](FieldError error) {
    if (!is_known(error)) errors.push_back(std::move(error));
    return !is_full(errors);
  });
  add_errors(errors, resource.schema.normalize(document, effort, is_known), "");
  return errors;
}

Flaws flaws_of(const config::Resource& resource, const Json& document, schema::Effort& effort) {
  Flaws flaws;
  check_names(document, "", nullptr, [&](const FieldError& error) {
    flaws.add(document, error);
    return true;
  });
  for (const FieldError& error : resource.schema.all_errors(document, effort)) flaws.add(document, error);
  return flaws;
}

}  // namespace

Result<JsonObject> check_document(const config::Resource& resource, Json document, schema::Effort& effort,
                                  const std::string& place) {
  auto errors = errors_in(resource, document, effort, place);
  if (!errors.empty()) return does_not_fit(std::move(errors));
  return std::move(document.get_object());
}

Result<JsonObject> check_changed(const config::Resource& resource, Json document, Json before, schema::Effort& effort) {
  auto errors = errors_in(resource, document, effort, "");
  if (!errors.empty() && document.is_object() && before.is_object()) {
    for (const std::string_view name : kServers) before.get_object().erase(name);
    errors = errors_beside(resource, document, flaws_of(resource, before, effort), effort);
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
