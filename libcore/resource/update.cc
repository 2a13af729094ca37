#include <algorithm>
#include <array>

#include "base/object_id.h"
#include "fiber/fiber.h"
#include "http/conditional.h"
#include "http/fields.h"
#include "json/parse.h"
#include "json/patch.h"
#include "resource/actions.h"
#include "resource/body.h"
#include "resource/reply.h"

namespace nacre::resource {

namespace {

enum class PatchForm : std::uint8_t { merge, operations };

Result<PatchForm> patch_form(const http::Request& request) {
  const auto type = http::media_type(request.header("Content-Type").value_or(""));
  if (type == "application/merge-patch+json" || type == http::kJson) return PatchForm::merge;
  if (type == "application/json-patch+json") return PatchForm::operations;
  return Failure(Error::unsupported_media_type,
                 "Content-Type must be application/merge-patch+json or application/json-patch+json");
}

Result<Json> apply(PatchForm form, const Json& document, const Json& patch) {
  if (form == PatchForm::operations) return apply_json_patch(document, patch);
  return merge_patch(document, patch);
}

/// A patch sees the document as the API shows it, so it can test `/_rev`; it must leave the server's members as they are.
Result<JsonObject> patched_fields(const config::Resource& resource, const JsonObject& before, Json after) {
  JsonObject* const object = after.if_object();
  if (object != nullptr) {
    constexpr std::array<std::string_view, 5> kOwn = {"_id", "_rev", "_created", "_updated", "_owner"};
    Failure failure(Error::unprocessable, "the document does not satisfy the schema");
    for (const std::string_view name : kOwn) {
      const Json* const value = object->if_contains(name);
      if (value == nullptr || *value != before.at(name))
        failure.errors.push_back({'/' + std::string(name), "is set by the server"});
      object->stable_erase(name);
    }
    if (!failure.errors.empty()) return failure;
  }
  return check_document(resource, std::move(after));
}

bool holds(const store::Precondition& precondition, std::int64_t rev) {
  return precondition.any || std::find(precondition.revs.begin(), precondition.revs.end(), rev) != precondition.revs.end();
}

/// Reads, patches and writes at the revision that was read; nullopt when somebody else wrote in between.
Result<std::optional<store::Document>> try_update(const Call& call, PatchForm form, const Json& patch,
                                                  const store::Precondition& precondition) {
  const auto current = call.backend.store.find_one(call.resource(), call.match.id, precondition.owner);
  if (!current) return current.error();
  if (!holds(precondition, current->rev)) return Failure(Error::precondition_failed, "the document has changed");
  const auto before = parse_json(current->json);
  if (!before || !before->is_object()) return Failure(Error::internal, "the stored document is damaged");
  auto after = apply(form, *before, patch);
  if (!after) return after.error();
  const auto fields = patched_fields(call.resource(), before->get_object(), std::move(*after));
  if (!fields) return fields.error();
  const store::Precondition unchanged{false, {current->rev}, precondition.owner};
  auto replaced = call.backend.store.replace(call.resource(), call.match.id, *fields, fiber::reactor().wall(), unchanged);
  if (replaced) return std::optional<store::Document>(std::move(*replaced));
  if (replaced.error().error == Error::precondition_failed) return std::optional<store::Document>();
  return replaced.error();
}

}  // namespace

Result<http::Response> update(const Call& call) {
  if (!is_document_id(call.match.id)) return no_such_document();
  const auto precondition = http::parse_if_match(call.request);
  if (!precondition) return precondition.error();
  const auto form = patch_form(call.request);
  if (!form) return form.error();
  const auto patch = parse_json(call.request.body);
  if (!patch) return patch.error();
  const Stopwatch stopwatch(call.trace.waits.store);
  for (;;) {  // each turn waits for the store, so the deadline ends it
    auto updated = try_update(call, *form, *patch, *precondition);
    if (!updated) return updated.error();
    if (*updated) return written_reply(call, 200, std::move(**updated));
  }
}

}  // namespace nacre::resource
