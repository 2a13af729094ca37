#pragma once

#include <string_view>

#include "config/config.h"
#include "json/parse.h"

namespace nacre::query {

/// A resource with a field of every kind that filters and sorts tell apart.
inline config::Resource example_resource() {
  constexpr std::string_view kSchema = R"({
    "type": "object",
    "properties": {
      "title": {"type": "string"},
      "stars": {"type": "integer"},
      "price": {"type": "number"},
      "pinned": {"type": "boolean"},
      "due": {"type": "string", "format": "date-time"},
      "tags": {"type": "array", "items": {"type": "string"}},
      "dates": {"type": "array", "items": {"type": "string", "format": "date-time"}},
      "grade": {"type": ["integer", "string", "null"]},
      "flag": {"type": ["integer", "boolean"]},
      "anything": {},
      "it's": {"type": "string"},
      "say\"it": {"type": "string"},
      "author": {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}},
      "items": {"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "n": {"type": "integer"},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}}}},
      "tree": {"$ref": "#/definitions/tree"}
    },
    "definitions": {"tree": {"properties": {"a": {"$ref": "#/definitions/tree"}, "name": {"$ref": "#/definitions/tree"}}}}
  })";
  Json json = *parse_json(kSchema);
  auto schema = schema::Schema::compile(json);
  return {"things", std::move(json), std::move(*schema), {}, {}, {}, {}, {.default_limit = 25, .max_limit = 100}};
}

}  // namespace nacre::query
