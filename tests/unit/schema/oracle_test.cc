// Valijson judges the same documents by the same schemas, and both must agree. Left out is what Valijson 1.0 reads otherwise
// than the draft: multipleOf (it cuts 3.5 to 3) and propertyNames (inside a branch).
#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "json/write.h"
#include "schema/schema.h"

using nacre::Json;
using nacre::JsonArray;
using nacre::JsonObject;

namespace {

/// Schemas and documents small enough that both verdicts are common.
class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  Json schema() { return {{"type", "object"}, {"properties", {{"v", node(3)}}}, {"definitions", {{"d", node(1)}}}}; }
  Json document() { return {{"v", value(3)}}; }

 private:
  static constexpr std::array<const char*, 4> kNames{"a", "b", "ab", ""};
  static constexpr std::array<const char*, 7> kTypes{"null", "boolean", "integer", "number", "string", "array", "object"};

  int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint32_t>(limit)); }
  bool maybe() { return below(4) == 0; }
  Json name() { return kNames[static_cast<std::size_t>(below(4))]; }

  Json scalar() {
    switch (below(5)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return below(4);
      case 3:
        return below(4) + 0.5;
      default:
        return name();
    }
  }

  Json value(int depth) {
    if (depth == 0 || below(3) == 0) return scalar();
    if (below(2) == 0) {
      JsonArray array;
      for (int i = below(4); i > 0; --i) array.push_back(value(depth - 1));
      return array;
    }
    JsonObject object;
    for (int i = below(4); i > 0; --i) object[name().as_string()] = value(depth - 1);
    return object;
  }

  JsonArray nodes(int depth) {
    JsonArray array;
    for (int i = 1 + below(2); i > 0; --i) array.push_back(node(depth));
    return array;
  }

  JsonObject named(int depth) {
    JsonObject object;
    for (int i = 1 + below(3); i > 0; --i) object[name().as_string()] = node(depth);
    return object;
  }

  Json node(int depth) {
    if (below(12) == 0) return below(3) > 0;
    if (depth < 3 && depth > 1 && below(10) == 0) return {{"$ref", "#/definitions/d"}};
    JsonObject node;
    if (below(3) == 0) node["type"] = kTypes[static_cast<std::size_t>(below(7))];
    scalars(node);
    sizes(node);
    if (depth > 0) {
      inner(node, depth - 1);
      combinations(node, depth - 1);
    }
    return node;
  }

  void scalars(JsonObject& node) {
    if (below(12) == 0) node["enum"] = JsonArray{value(1), value(1), scalar(), scalar(), scalar()};
    if (below(20) == 0) node["const"] = value(1);
    if (maybe()) node["minimum"] = below(3);
    if (maybe()) node["maximum"] = below(5);
    if (below(8) == 0) node["exclusiveMinimum"] = below(3);
    if (below(8) == 0) node["exclusiveMaximum"] = below(5);
  }

  void sizes(JsonObject& node) {
    if (maybe()) node["minLength"] = below(2);
    if (maybe()) node["maxLength"] = below(3);
    if (below(8) == 0) node["minItems"] = below(3);
    if (maybe()) node["maxItems"] = below(4);
    if (maybe()) node["uniqueItems"] = true;
    if (below(8) == 0) node["minProperties"] = below(3);
    if (maybe()) node["maxProperties"] = below(4);
    if (below(8) == 0) node["required"] = JsonArray{name()};
  }

  void inner(JsonObject& node, int depth) {
    if (maybe()) node["items"] = below(2) == 0 ? this->node(depth) : Json(nodes(depth));
    if (maybe() && node.contains("items")) node["additionalItems"] = this->node(depth);
    if (below(8) == 0) node["contains"] = this->node(depth);
    if (below(2) == 0) node["properties"] = named(depth);
    if (below(6) == 0) node["patternProperties"] = JsonObject{{"^a", this->node(depth)}};
    if (maybe()) node["additionalProperties"] = this->node(depth);
    if (below(8) == 0) node["dependencies"] = JsonObject{{"a", JsonArray{name()}}, {"b", this->node(depth)}};
  }

  void combinations(JsonObject& node, int depth) {
    if (below(8) == 0) node["allOf"] = nodes(depth);
    if (below(8) == 0) node["anyOf"] = nodes(depth);
    if (below(8) == 0) node["oneOf"] = nodes(depth);
    if (below(10) == 0) node["not"] = this->node(depth);
    if (below(8) != 0) return;
    node["if"] = this->node(depth);
    node["then"] = this->node(depth);
    node["else"] = this->node(depth);
  }

  std::mt19937 random_;
};

bool oracle_says(const valijson::Schema& schema, const Json& document) {
  valijson::Validator validator{valijson::Validator::kStrongTypes};
  const valijson::adapters::BoostJsonAdapter target{document};
  return validator.validate(schema, target, nullptr);
}

}  // namespace

TEST_CASE("Verdicts agree with Valijson's on random schemas and documents") {
  int valid = 0;
  int invalid = 0;
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    Generator generator{seed};
    const Json text = generator.schema();
    const auto schema = nacre::schema::Schema::compile(text);
    REQUIRE_MESSAGE(schema.has_value(), nacre::json_text(text));
    valijson::Schema reference;
    valijson::SchemaParser{valijson::SchemaParser::kDraft7}.populateSchema(valijson::adapters::BoostJsonAdapter{text},
                                                                           reference);
    for (int i = 0; i < 8; ++i) {
      const Json document = generator.document();
      const bool expected = oracle_says(reference, document);
      CHECK_MESSAGE(schema->validate(document).empty() == expected, nacre::json_text(text)
                                                                        << " " << nacre::json_text(document));
      (expected ? valid : invalid) += 1;
    }
  }
  CHECK(valid > 3000);
  CHECK(invalid > 3000);
}
