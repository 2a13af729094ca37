#include "config/schema_files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "config/load.h"
#include "json/parse.h"
#include "schema/report.h"

using namespace nacre;
using namespace nacre::config;

namespace {

namespace fs = std::filesystem;

/// A folder with nacre.yaml and the files of schemas.
class Folder {
 public:
  Folder() { fs::create_directories(path_); }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

  std::shared_ptr<const Config> load(const std::string& schema) const {
    return load_text("version: 1\nresources:\n  a:\n    schema: " + schema + "\n", (path_ / "nacre.yaml").string(), "/srv");
  }

  /// The mistakes, with the folder's name cut off.
  std::string mistakes(const std::string& schema) const {
    std::string all;
    try {
      load(schema);
    } catch (const LoadError& error) {
      for (const auto& message : error.messages()) all.append(message.substr(path_.string().size() + 1)).append("\n");
    }
    return all;
  }

 private:
  fs::path path_ = fs::temp_directory_path() / ("nacre_schemas_" + std::to_string(::getpid()));
};

bool valid(const Config& config, std::string_view document) {
  return config.resources.at(0).schema.validate(*parse_json(document)).empty();
}

}  // namespace

TEST_SUITE("config::SchemaFiles") {
  TEST_CASE("a schema is a file of JSON or YAML, and refers to files beside it and theirs") {
    const Folder folder;
    folder.write("note.json",
                 R"({"properties":{"a":{"$ref":"parts/common.json#/definitions/short"},"b":{"$ref":"parts/list.yaml"}}})");
    folder.write("parts/common.json",
                 R"({"definitions":{"short":{"type":"string","maxLength":3},"own":{"$ref":"#/definitions/short"}}})");
    folder.write("parts/list.yaml",
                 "type: array\nitems: { $ref: 'common.json#/definitions/own' }\ncontains: { $ref: '../note.json' }\n");
    for (const auto* schema : {"note.json", "{ $ref: note.json }"}) {
      const auto config = folder.load(schema);
      CHECK(valid(*config, R"({"a":"abc"})"));
      CHECK_FALSE(valid(*config, R"({"a":"abcd"})"));
      CHECK(valid(*config, R"({"b":["abc"]})"));
      CHECK_FALSE(valid(*config, R"({"b":["abcd"]})"));
    }
  }

  TEST_CASE("what is shown of it refers to nothing outside") {
    const Folder folder;
    folder.write("note.json", R"({"$id":"https://example.com/s/note.json","definitions":{"own":{"$id":"#mine"}},"properties":{
      "a":{"$ref":"common.json#/definitions/a%20b"},"b":{"$ref":"https://example.com/s/common.json"},"c":{"$ref":"#mine"}}})");
    folder.write("common.json", R"({"definitions":{"a b":{"properties":{"x":{"$ref":"#"}}}}})");
    const auto json = folder.load("note.json")->resources[0].schema_json;
    const auto text = json_text(json);
    CHECK(text.find("common.json#") == std::string::npos);
    CHECK(json.at_pointer("/properties/a/$ref").as_string() == "#/definitions/a_b");
    CHECK(json.at_pointer("/properties/c/$ref").as_string() == "#/definitions/own");
    CHECK(json.at_pointer("/properties/b/$ref").as_string() == "#/definitions/common.json");
    CHECK(json.at_pointer("/definitions/a_b/properties/x/$ref").as_string() == "#/definitions/common.json");
    CHECK(json.at_pointer("/definitions/common.json/definitions/a b/properties/x/$ref").as_string() ==
          "#/definitions/common.json");
    schema::Documents alone(json, "", nullptr);
    schema::Report report;
    CHECK(schema::Schema::compile(alone, report).has_value());
  }

  TEST_CASE("the schema of draft 7 itself, and whatever has an $id, can be referred to") {
    const Folder folder;
    const auto config = folder.load("{ properties: { s: { $ref: 'http://json-schema.org/draft-07/schema#' } } }");
    CHECK(valid(*config, R"({"s":{"type":"string"}})"));
    CHECK_FALSE(valid(*config, R"({"s":{"type":"text"}})"));
    folder.write("a.json", R"({"$id":"https://example.com/a","definitions":{"n":{"$id":"n","type":"null"}}})");
    CHECK_FALSE(
        valid(*folder.load("{ properties: { x: { $ref: 'https://example.com/n' }, y: { $ref: a.json } } }"), R"({"x":1})"));
  }

  TEST_CASE("mistakes are told where they stand, all of them") {
    const Folder folder;
    folder.write("note.json",
                 "{\n\t\"type\": \"objekt\",\n\t\"properties\": {\n\t\t\"ä\": {\"minimum\": \"1\"},\n\t\t\"b\": {\"$ref\": "
                 "\"bad.json\"},\n"
                 "\t\t\"c\": {\"$ref\": \"no.json\"}, \"d\": {\"$ref\": \"http://example.com/x\"}\n\t}\n}\n");
    folder.write("bad.json", "{\"a\": 1,\n \"a\": 2}");
    const auto mistakes = folder.mistakes("note.json");
    CHECK(mistakes.find("note.json:2:10: schema: \"type\" must be null, boolean") != std::string::npos);
    CHECK(mistakes.find("note.json:4:20: schema: \"minimum\" must be a number") != std::string::npos);
    CHECK(mistakes.find("bad.json:2:2: the name \"a\" stands twice in this object; allowed: each name once") !=
          std::string::npos);
    CHECK(mistakes.find("note.json:5:17: schema: \"$ref\" refers to the file \"bad.json\", which has mistakes") !=
          std::string::npos);
    CHECK(mistakes.find("note.json:6:17: schema: \"$ref\" refers to the file \"no.json\", which can't be read") !=
          std::string::npos);
    CHECK(mistakes.find("\"http://example.com/x\", and nothing is read from a network") != std::string::npos);
    for (const auto* text : {"", "{", "[1,]", "{\"a\" 1}", "{\"a\":01}", "nul", "\"\\x\"", "\"\\ud800\"", "{} {}",
                             "{\"a\":\"\n\"}", "{'a':1}", "[1 2]"}) {
      CAPTURE(text);
      folder.write("bad.json", text);
      CHECK(folder.mistakes("bad.json").find("allowed: JSON (RFC 8259)\n") != std::string::npos);
    }
  }

  TEST_CASE("a change in a file is a change of the configuration") {
    const Folder folder;
    folder.write("a.json", R"({"$ref":"b.json"})");
    folder.write("b.json", R"({"title":"one"})");
    const auto before = folder.load("a.json")->fingerprint;
    CHECK(folder.load("a.json")->fingerprint == before);
    folder.write("b.json", R"({"title":"two"})");
    CHECK(folder.load("a.json")->fingerprint != before);
  }

  TEST_CASE("JSON is JSON, pasted or in a file, and ${ in it is text") {
    const Folder folder;
    const std::string json =
        "{\n\t\"title\": \"\\ud83d\\ude00 ${HOME}\", \"properties\": {\"a\": {\"const\": \"\\u00e9\\/\", \"maximum\": "
        "18446744073709551616}}\n}";
    folder.write("a.json", json);
    for (const auto& schema : {json, std::string("a.json")}) {
      const auto config = folder.load(schema);
      CHECK(config->resources[0].schema_json.at("title").as_string() == "\xF0\x9F\x98\x80 ${HOME}");
      CHECK(valid(*config, "{\"a\":\"\xC3\xA9/\"}"));
    }
  }

  TEST_CASE("a schema may stand under x- as an anchor, be merged, and be a choice at its root") {
    const auto config = load_text(
        "x-base: &base { type: object, description: '${NOT_SET}' }\nversion: 1\nresources:\n  a: { schema: { <<: *base, "
        "required: [t] } }\n  b: { schema: { oneOf: [ { $ref: '#/definitions/d' } ], definitions: { d: *base } } }\n",
        "n", "/srv");
    CHECK(config->resources.size() == 2);
    CHECK_FALSE(valid(*config, "{}"));
  }

  TEST_CASE("warnings name the file and the place of the key") {
    const Folder folder;
    folder.write("a.json", "{\n  \"deprecated\": true\n}");
    const auto warnings = folder.load("a.json")->warnings;
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].ends_with("a.json:2:3: schema: \"deprecated\" is not a keyword of JSON Schema draft 7, and ignored"));
  }
}
