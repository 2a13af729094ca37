#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

/// From the user's dialect of JSON Schema (draft 7) to OpenAPI 3.1's (2020-12).
namespace nacre::describe {

/// Where a `$ref` leads in the end.
struct Referred {
  std::string pointer;
  const Json* schema;
};

/// `reference` is an object with a `$ref` in the compiled schema `root`.
Referred referred(const Json& root, const JsonObject& reference);

/// Members of a document that are the server's, beside the user's fields.
struct ServerMembers {
  std::string_view variant;  ///< names the schemas that are made with it: `notes.new`
  JsonObject schemas;        ///< by name
  JsonArray required;        ///< all of the names, or none
};

/// Translates one resource's schema. The results accept what Nacre takes and nothing else: what draft 7 says, and that
/// `type: integer` has 64 bits, that names in documents don't begin with `_` or `$` or hold `.` or NUL, and that keywords which
/// draft 7 doesn't know, and what stands beside `$ref`, mean nothing. Schemas that are referred to become components of their
/// own: `#/definitions/line` of notes is `notes.definitions.line`.
class Dialect {
 public:
  /// `components` gets the schemas that others refer to; `root` outlives the dialect.
  Dialect(std::string_view resource, const Json& root, JsonObject& components);

  /// A whole document: the user's fields judged as if the server's weren't there. Exact but for `minProperties` and
  /// `maxProperties` beside several optional members, and `enum` or `const` of the whole document, which are left out.
  Json document(const ServerMembers& members);

  /// A merge patch (RFC 7396) that can lead to a document; whether it does depends on the document that it meets.
  Json merge_patch(const ServerMembers& members);

 private:
  /// Where a schema stands.
  struct Role {
    bool whole = false;  ///< it alone judges a value, so that it also says what holds for every value
    bool patch = false;  ///< it judges what a merge patch holds
    const ServerMembers* members = nullptr;

    Role in_place() const { return {false, patch, members}; }
    Role child() const { return {whole, patch, nullptr}; }
  };

  Json translate(const Json& schema, const Role& role);
  Json translate_reference(const JsonObject& schema, const Role& role);
  void translate_keyword(std::string_view name, const Json& value, const Role& role, JsonObject& result);
  JsonObject translate_members(const Json& schemas, const Role& role);
  void translate_patterns(const Json& schemas, const Role& role, JsonObject& result);
  void translate_items(const JsonObject& schema, const Role& role, JsonObject& result);
  void translate_dependencies(const Json& dependencies, const Role& role, JsonObject& result);
  void add_rules_of_values(const Role& role, JsonObject& result);
  void add_rules_of_names(const Role& role, JsonObject& result);
  void add_members(const Role& role, JsonObject& result);
  Json patched(const JsonObject& schema, const Role& role, JsonObject result);
  std::string component_name(const std::string& pointer, const Role& role);

  std::string resource_;
  const Json& root_;
  JsonObject& components_;
  std::map<std::string, std::string> names_;  ///< of components, by what they are made from
};

/// The schemas that Dialect's results refer to: `Name`, `Value`.
JsonObject schemas_of_values();

/// A schema of what is left when `fields` leaves out members of a translated document.
Json partial(const Json& schema);

/// The same schema, and null.
Json nullable(Json schema);

}  // namespace nacre::describe
