#pragma once

#include <compare>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

/// What a `$ref` can lead to: the documents that a schema consists of.
namespace nacre::schema {

/// A JSON document with schemas in it.
struct Document {
  std::string uri;  ///< where it was read from
  Json json;
  std::map<std::string, std::string, std::less<>> bases;  ///< by pointer: what references below it are relative to (`$id`)
};

/// A place in a document.
struct Location {
  const Document* document = nullptr;
  std::string pointer;
  auto operator<=>(const Location&) const = default;
};

/// Reads the document of a URI that has no fragment. The detail of its Failure completes "refers to": "the file \"a.json\",
/// which can't be read".
using Fetch = std::function<Result<Json>(const std::string& uri)>;

/// The schema, and what is fetched for its references.
class Documents {
 public:
  /// `uri` is where the schema was read from: what its references are relative to unless `$id` says else. What they name is
  /// fetched now, so that a `$id` in it is known wherever it is referred to.
  Documents(Json schema, std::string uri, Fetch fetch);
  Documents(const Documents&) = delete;
  Documents& operator=(const Documents&) = delete;

  const Document& root() const { return documents_.front(); }

  /// What a `$ref` in the schema at `from` leads to. A reference relative to a `$id` that is no file (`https://…`) may name a
  /// file beside the one where it stands. The detail of the Failure completes "$ref".
  Result<Location> find(const Location& from, std::string_view reference);

 private:
  const Document& add(Json json, std::string uri);
  void add_ids(Document& document, const Json& schema, const std::string& pointer, const std::string& base);
  void add_id(Document& document, const std::string& pointer, const std::string& base, std::string_view id);
  void fetch_references(const Document& document);
  Result<Location> find_document(const Location& from, std::string_view reference, const std::string& uri);
  Result<const Document*> fetched(const std::string& uri);
  const std::string& base_of(const Location& place) const;

  Fetch fetch_;
  std::deque<Document> documents_;
  std::map<std::string, Location> ids_;      ///< by absolute URI
  std::map<std::string, Failure> failures_;  ///< by URI: what could not be fetched
};

/// The value at a pointer, or nullptr.
const Json* value_at(const Json& json, std::string_view pointer);

/// Text of the schema that draft 7's schemas are judged by.
std::string_view draft7_schema();

}  // namespace nacre::schema
