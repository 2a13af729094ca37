#include "store/document.h"

#include "json/parse.h"

namespace nacre::store {

Document render(const NewDocument& document) {
  const std::string created = format_rfc3339(document.created);
  std::string json = R"({"_id":)";
  append_json_string(json, document.id);
  json.append(R"(,"_rev":1,"_created":")").append(created).append(R"(","_updated":")").append(created).append(R"(","_owner":)");
  if (document.owner) {
    append_json_string(json, *document.owner);
  } else {
    json += "null";
  }
  const std::size_t join = json.size();
  append_json(json, document.fields);
  if (document.fields.empty()) {
    json.erase(join, 1);  // the opening brace: "{}" becomes "}"
  } else {
    json[join] = ',';
  }
  return {std::move(json), 1, document.created};
}

}  // namespace nacre::store
