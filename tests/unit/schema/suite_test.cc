// The official tests of JSON Schema, draft 7, whole: what is required, what is optional, and the formats. Debian's package
// json-schema-test-suite has them; another copy is named by NACRE_SCHEMA_SUITE.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "schema/compile.h"
#include "schema/validator.h"

using namespace nacre;
using namespace nacre::schema;

namespace {

namespace fs = std::filesystem;

constexpr auto kAnnotation = "contentEncoding and contentMediaType describe here, and judge nothing (draft 7 leaves it open)";
constexpr auto kBidi = "libidn2 does not apply these rules of RFC 5893";

/// Cases that can't be had, by "file: group: test", each with its reason.
const std::map<std::string, std::string> kImpossible{
    {"optional/content.json: validation of string-encoded content based on media type: an invalid JSON document", kAnnotation},
    {"optional/content.json: validation of binary string-encoding: an invalid base64 string (% is not a valid character)",
     kAnnotation},
    {"optional/content.json: validation of binary-encoded media type documents: a validly-encoded invalid JSON document",
     kAnnotation},
    {"optional/content.json: validation of binary-encoded media type documents: an invalid base64 string that is valid JSON",
     kAnnotation},
    // These are in newer copies of the suite than Debian's.
    {"optional/cross-draft.json: refs to future drafts are processed as future drafts: missing bar is invalid",
     "every schema is read as draft 7, with a warning"},
    {"optional/format/idn-email.json: validation of an internationalized e-mail addresses: a domain label that is not in "
     "Unicode NFC is valid",
     "IDNA2008 takes NFC only"},
    {"optional/format/idn-hostname.json: validation of internationalized host names: Bidi domain name with a digit-first label "
     "is invalid",
     kBidi},
    {"optional/format/idn-hostname.json: validation of internationalized host names: right-to-left label mixing both digit "
     "types "
     "is invalid",
     kBidi},
};

fs::path suite_folder() {
  const char* given = std::getenv("NACRE_SCHEMA_SUITE");
  return given != nullptr ? given : "/usr/share/json-schema-test-suite";
}

/// Not parse_json, which keeps integers within 64 bits: the suite has larger ones.
Json read_suite_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return boost::json::parse(text);
}

/// The suite's own documents, which it wants to have served at this address.
Result<Json> fetch_remote(const std::string& uri) {
  constexpr std::string_view kServed = "http://localhost:1234/";
  const auto file = suite_folder() / "remotes" / uri.substr(std::min(kServed.size(), uri.size()));
  if (!uri.starts_with(kServed) || !fs::is_regular_file(file)) return Failure{Error::not_found, "nothing of the suite"};
  return read_suite_file(file);
}

std::string verdict(const Json& schema, const Json& document) {
  Documents documents{schema, "", fetch_remote};
  Report report;
  const auto graph = compile_graph(documents, report);
  if (!report.mistakes.empty()) return report.mistakes[0].place.pointer + " " + report.mistakes[0].detail;
  Effort effort;
  return Validator(effort).run(*graph.root, document) ? "valid" : "invalid";
}

std::vector<fs::path> suite_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(suite_folder() / "tests/draft7")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string text_of(const Json& text) { return std::string(text.as_string()); }

}  // namespace

TEST_CASE("The official test suite of draft 7 passes, whole") {
  REQUIRE_MESSAGE(fs::is_directory(suite_folder()),
                  "the package json-schema-test-suite is missing; scripts/setup test installs it");
  std::size_t cases = 0;
  std::set<std::string> failed;
  for (const auto& file : suite_files()) {
    const auto name = file.lexically_relative(suite_folder() / "tests/draft7").string();
    const auto groups = read_suite_file(file);
    for (const auto& group : groups.as_array()) {
      for (const auto& test : group.at("tests").as_array()) {
        ++cases;
        const auto title = name + ": " + text_of(group.at("description")) + ": " + text_of(test.at("description"));
        const std::string expected = test.at("valid").as_bool() ? "valid" : "invalid";
        const auto found = verdict(group.at("schema"), test.at("data"));
        if (found == expected) continue;
        failed.insert(title);
        if (!kImpossible.contains(title)) FAIL_CHECK(title, ": ", found, ", not ", expected);
      }
    }
  }
  CHECK(cases > 500);
  CHECK(failed.size() <= kImpossible.size());
}
