#include <algorithm>
#include <memory>

#include "base/object_id.h"
#include "fiber/fiber.h"
#include "fiber/tries.h"
#include "http/fields.h"
#include "json/parse.h"
#include "json/patch.h"
#include "resource/actions.h"
#include "resource/body.h"
#include "resource/off_loop.h"
#include "resource/precondition.h"
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
Result<JsonObject> patched_fields(const config::Resource& resource, Json before, Json after, schema::Effort& effort) {
  JsonObject* const object = after.if_object();
  if (object != nullptr) {
    const Json missing;  // or null: a merge patch takes out a null that was sent back
    Failure failure(Error::unprocessable, "the document does not satisfy the schema");
    for (const std::string_view name : kServers) {
      const Json* const value = object->if_contains(name);
      const Json& now = value != nullptr ? *value : missing;
      if (now != before.get_object().at(name)) failure.errors.push_back({'/' + std::string(name), "is set by the server"});
      object->stable_erase(name);
    }
    if (!failure.errors.empty()) return failure;
  }
  return check_changed(resource, std::move(after), std::move(before), effort);
}

/// What a PATCH asks for.
struct Patch {
  PatchForm form = PatchForm::merge;
  std::shared_ptr<const Json> json;  ///< threads look at it, too
  std::size_t size = 0;              ///< of its text
  std::optional<std::int64_t> rev;
};

Result<Patch> read_patch(PatchForm form, std::string_view text) {
  auto json = parse_json(text);
  if (!json) return json.error();
  Patch patch{form, {}, text.size(), std::nullopt};
  if (form == PatchForm::merge) {
    const auto sent = take_revision(*json);
    if (!sent) return sent.error();
    patch.rev = sent->rev;
  }
  patch.json = std::make_shared<const Json>(std::move(*json));
  return patch;
}

Result<Patch> parse_patch(const http::Request& request, BodyWork& work) {
  if (auto plain = check_coding(request); !plain) return plain.error();
  const auto form = patch_form(request);
  if (!form) return form.error();
  return work.run<Patch>({request.body}, request.body.size(),
                         [form = *form](const BodyWork::Texts& texts, schema::Effort&) { return read_patch(form, texts[0]); });
}

/// Of what the server adds to a document: its text, and its values in memory.
constexpr std::size_t kServersMembers = 4UL << 10U;

Result<store::Fields> apply(const config::Resource& resource, const Patch& patch, std::string_view document,
                            schema::Effort& effort) {
  const Failure too_large(Error::too_large, "the document is too large to be patched");
  if (document.size() > kMaxDocument + kServersMembers) return too_large;
  auto before = parse_json(document, kMaxJsonBytes + kServersMembers);
  if (!before && before.error().error == Error::too_large) return too_large;
  // Another program wrote it.
  if (!before) return Failure(Error::unprocessable, "the stored document can't be patched: " + before.error().detail);
  if (!before->is_object()) return Failure(Error::internal, "the stored document is damaged");
  auto after = apply(patch.form, *before, *patch.json);
  if (!after) return after.error();
  auto fields = patched_fields(resource, std::move(*before), std::move(*after), effort);
  if (!fields) return fields.error();
  return written(std::move(*fields));
}

/// In bytes of text that is read once: an operation may look at the whole document, in an eighth of that time.
std::size_t cost_of(const Patch& patch, std::size_t document) {
  const auto* operations = patch.form == PatchForm::operations ? patch.json->if_array() : nullptr;
  const std::size_t count = operations == nullptr ? 0 : std::min(operations->size(), kMaxPatchOperations);
  return patch.size + document + count * document / 8;
}

/// Reads, patches, and writes where the document is still the one that was patched; where somebody else wrote in between, once
/// more with what the write found.
Result<store::Document> patch_document(const Call& call, const http::Preconditions& asked, const Patch& patch, BodyWork& work) {
  auto current = call.backend.store.find_newest(call.resource(), call.match.id, std::nullopt);
  const auto newer = std::make_shared<std::optional<store::Document>>();
  for (fiber::Tries tries = fiber::Tries::within_deadline();;) {
    if (!current) return current.error();
    if (auto holds = judge(asked, patch.rev, *current); !holds) return holds.error();
    auto fields =
        work.run<store::Fields>({current->json}, cost_of(patch, current->json.size()),
                                [&resource = call.resource(), patch](const BodyWork::Texts& texts, schema::Effort& effort) {
                                  return apply(resource, patch, texts[0], effort);
                                });
    if (!fields) return fields.error();
    const store::Precondition unchanged{.judge = [patched = std::make_shared<const std::string>(std::move(current->json)),
                                                  newer](const store::Document& now) -> Result<void> {
      if (now.json == *patched) return {};
      *newer = now;
      return Failure(Error::precondition_failed);
    }};
    newer->reset();
    fields->patched = true;
    auto replaced =
        call.backend.store.replace(call.resource(), call.match.id, std::move(*fields), fiber::reactor().wall(), unchanged);
    if (replaced || replaced.error().error != Error::precondition_failed || !*newer) return replaced;
    if (!tries.again()) return fiber::outrun();
    current = std::move(**newer);
  }
}

}  // namespace

Result<http::Response> update(const Call& call) {
  if (!is_document_id(call.match.id)) return no_such_document();
  const auto asked = http::Preconditions::of(call.request);
  if (!asked) return asked.error();
  BodyWork work(call);
  const auto patch = parse_patch(call.request, work);
  if (!patch) return patch.error();
  const Stopwatch stopwatch(call.trace.waits.store);
  auto patched = patch_document(call, *asked, *patch, work);
  if (!patched) return missed(*asked, patched.error());
  return written_reply(call, 200, std::move(*patched));
}

}  // namespace nacre::resource
