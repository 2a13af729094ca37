#include "schema/documents.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "json/parse.h"
#include "json/pointer.h"
#include "schema/place.h"
#include "schema/resolve.h"

namespace nacre::schema {
namespace {

constexpr std::size_t kMostDocuments = 256;
constexpr std::string_view kDraft7Uri = "http://json-schema.org/draft-07/schema";
constexpr std::string_view kAllowed =
    "; a $ref leads to a place in this schema (#/definitions/x), in a file (common.json#/definitions/x), or to the $id of a "
    "schema "
    "that is loaded";

enum class Inside : std::uint8_t { nothing, schema, list, map };

/// Where schemas stand in a schema: only there `$id` means something.
Inside inside_of(std::string_view keyword) {
  constexpr std::string_view kSchemas[] = {
      "additionalItems", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else", "items"};
  constexpr std::string_view kLists[] = {"allOf", "anyOf", "oneOf"};
  constexpr std::string_view kMaps[] = {"properties", "patternProperties", "definitions", "dependencies", "$defs"};
  const auto is_one_of = [keyword](const auto& words) {
    return std::find(std::begin(words), std::end(words), keyword) != std::end(words);
  };
  if (is_one_of(kSchemas)) return Inside::schema;
  if (is_one_of(kLists)) return Inside::list;
  return is_one_of(kMaps) ? Inside::map : Inside::nothing;
}

/// Every `$ref` of a document, wherever it stands, and the pointer of its object.
template <class Visit>
void each_reference(const Json& json, const std::string& pointer, const Visit& visit) {
  if (const auto* object = json.if_object()) {
    const auto* reference = object->if_contains("$ref");
    if (reference != nullptr && reference->is_string()) visit(pointer, reference->get_string());
    for (const auto& member : *object) each_reference(member.value(), below(pointer, member.key()), visit);
  } else if (const auto* array = json.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) each_reference((*array)[i], below(pointer, std::to_string(i)), visit);
  }
}

std::string folder_of(const std::string& uri) { return uri.substr(0, uri.rfind('/') + 1); }

}  // namespace

Documents::Documents(Json schema, std::string uri, Fetch fetch) : fetch_(std::move(fetch)) {
  add(std::move(schema), std::move(uri));
  for (std::size_t i = 0; i < documents_.size(); ++i) fetch_references(documents_[i]);
}

const Document& Documents::add(Json json, std::string uri) {
  documents_.push_back(Document{std::move(uri), std::move(json), {}});
  Document& document = documents_.back();
  document.bases[""] = document.uri;
  ids_.emplace(document.uri, Location{&document, ""});
  add_ids(document, document.json, "", document.uri);
  return document;
}

void Documents::add_ids(Document& document, const Json& schema, const std::string& pointer, const std::string& base) {
  const auto* object = schema.if_object();
  if (object == nullptr) return;
  // Draft 7 (core §8.3): what stands beside $ref is ignored.
  if (const auto* id = object->if_contains("$id"); id != nullptr && id->is_string() && !object->contains("$ref")) {
    add_id(document, pointer, base, id->get_string());
  }
  const auto own = base_of({&document, pointer});
  for (const auto& member : *object) {
    const auto kind = inside_of(member.key());
    if (kind == Inside::nothing) continue;
    const auto at = below(pointer, member.key());
    if (kind == Inside::schema) add_ids(document, member.value(), at, own);
    if (const auto* array = member.value().if_array()) {
      for (std::size_t i = 0; i < array->size(); ++i) add_ids(document, (*array)[i], below(at, std::to_string(i)), own);
    } else if (const auto* map = member.value().if_object(); map != nullptr && kind == Inside::map) {
      for (const auto& entry : *map) add_ids(document, entry.value(), below(at, entry.key()), own);
    }
  }
}

/// `#name` names a place, anything else is the base of what is below.
void Documents::add_id(Document& document, const std::string& pointer, const std::string& base, std::string_view id) {
  auto [uri, fragment] = split_fragment(resolve_uri(base, id));
  if (!fragment.empty()) {
    ids_.emplace(uri + '#' + fragment, Location{&document, pointer});
    return;
  }
  ids_.emplace(uri, Location{&document, pointer});
  document.bases[pointer] = std::move(uri);
}

void Documents::fetch_references(const Document& document) {
  std::vector<std::pair<std::string, std::string>> references;
  each_reference(document.json, "",
                 [&](const std::string& pointer, std::string_view reference) { references.emplace_back(pointer, reference); });
  for (const auto& [pointer, reference] : references) find({&document, pointer}, reference);
}

const std::string& Documents::base_of(const Location& place) const {
  const auto& bases = place.document->bases;
  std::string_view pointer = place.pointer;
  for (;;) {
    if (const auto found = bases.find(pointer); found != bases.end()) return found->second;
    pointer = pointer.substr(0, pointer.rfind('/'));
  }
}

Result<Location> Documents::find(const Location& from, std::string_view reference) {
  const auto [uri, fragment] = split_fragment(resolve_uri(base_of(from), reference));
  auto found = find_document(from, reference, uri);
  if (!found) return found.error();
  const auto pointer = percent_decoded(fragment);
  if (!pointer) return Failure{Error::unprocessable, "has a % without two hexadecimal digits"};
  if (!pointer->empty() && !pointer->starts_with('/')) {
    const auto named = ids_.find(base_of(*found) + '#' + *pointer);
    if (named != ids_.end()) return named->second;
    return Failure{Error::unprocessable, "refers to a name that no $id gives"};
  }
  Location place{found->document, found->pointer + *pointer};
  const auto tokens = parse_pointer(place.pointer);
  if (!tokens || value_at(place.document->json, place.pointer) == nullptr)
    return Failure{Error::unprocessable, "refers to a place that does not exist"};
  return place;
}

Result<Location> Documents::find_document(const Location& from, std::string_view reference, const std::string& uri) {
  if (const auto known = ids_.find(uri); known != ids_.end()) return known->second;
  const auto& document = *from.document;
  const auto named = split_fragment(reference).first;
  const auto folder = folder_of(base_of({&document, ""}));
  std::string beside;
  if (scheme_length(named) == 0) {
    beside = resolve_uri(document.uri, named);
  } else if (!folder.empty() && uri.starts_with(folder)) {
    beside = resolve_uri(document.uri, uri.substr(folder.size()));
  }
  if (const auto known = ids_.find(beside); !beside.empty() && known != ids_.end()) return known->second;
  auto read = fetched(uri);
  if (!read && !beside.empty() && beside != uri) {
    if (auto other = fetched(beside)) read = other;
  }
  if (!read) return Failure{Error::unprocessable, "refers to " + read.error().detail + std::string(kAllowed)};
  return Location{*read, ""};
}

Result<const Document*> Documents::fetched(const std::string& uri) {
  if (const auto failed = failures_.find(uri); failed != failures_.end()) return failed->second;
  auto json = uri == kDraft7Uri ? parse_json(draft7_schema())
              : !fetch_         ? Result<Json>(Failure{Error::unprocessable, "another document"})
                                : fetch_(uri);
  if (json && documents_.size() == kMostDocuments) json = Failure{Error::unprocessable, "too many documents"};
  if (!json) {
    failures_.emplace(uri, json.error());
    return json.error();
  }
  return &add(std::move(*json), uri);
}

const Json* value_at(const Json& json, std::string_view pointer) {
  const auto tokens = parse_pointer(pointer);
  const Json* value = tokens ? &json : nullptr;
  for (std::size_t i = 0; value != nullptr && i < tokens->size(); ++i) value = child(*value, (*tokens)[i]);
  return value;
}

}  // namespace nacre::schema
