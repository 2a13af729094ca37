#include "json/patch.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "json/compare.h"
#include "json/parse.h"

using nacre::apply_json_patch;
using nacre::compare_json;
using nacre::Error;
using nacre::Failure;
using nacre::Json;
using nacre::json_text;
using nacre::merge_patch;
using nacre::parse_json;

namespace {

Json json(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE_MESSAGE(value, text);
  return *value;
}

std::string merged(std::string_view target, std::string_view patch) {
  return json_text(merge_patch(json(target), json(patch)));
}

/// The patched document, or which error with what detail.
std::string patched(std::string_view document, std::string_view patch) {
  const auto result = apply_json_patch(json(document), json(patch));
  if (result) return json_text(*result);
  const Failure& failure = result.error();
  const char* kind = failure.error == Error::bad_request ? "malformed: "
                     : failure.error == Error::conflict  ? "conflict: "
                                                         : "no: ";
  return kind + failure.detail;
}

}  // namespace

TEST_CASE("Merge patch gives what the table of RFC 7396 Appendix A says") {
  CHECK(merged(R"({"a":"b"})", R"({"a":"c"})") == R"({"a":"c"})");
  CHECK(merged(R"({"a":"b"})", R"({"b":"c"})") == R"({"a":"b","b":"c"})");
  CHECK(merged(R"({"a":"b"})", R"({"a":null})") == R"({})");
  CHECK(merged(R"({"a":"b","b":"c"})", R"({"a":null})") == R"({"b":"c"})");
  CHECK(merged(R"({"a":["b"]})", R"({"a":"c"})") == R"({"a":"c"})");
  CHECK(merged(R"({"a":"c"})", R"({"a":["b"]})") == R"({"a":["b"]})");
  CHECK(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})") == R"({"a":{"b":"d"}})");
  CHECK(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})") == R"({"a":[1]})");
  CHECK(merged(R"(["a","b"])", R"(["c","d"])") == R"(["c","d"])");
  CHECK(merged(R"({"a":"b"})", R"(["c"])") == R"(["c"])");
  CHECK(merged(R"({"a":"foo"})", R"(null)") == R"(null)");
  CHECK(merged(R"({"a":"foo"})", R"("bar")") == R"("bar")");
  CHECK(merged(R"({"e":null})", R"({"a":1})") == R"({"e":null,"a":1})");
  CHECK(merged(R"([1,2])", R"({"a":"b","c":null})") == R"({"a":"b"})");
  CHECK(merged(R"({})", R"({"a":{"bb":{"ccc":null}}})") == R"({"a":{"bb":{}}})");
}

TEST_CASE("Merge patch gives the example of RFC 7396 §3, and keeps the order of members") {
  CHECK(
      merged(
          R"({"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},"tags":["example","sample"],"content":"x"})",
          R"({"title":"Hello!","phoneNumber":"+01-123-456-7890","author":{"familyName":null},"tags":["example"]})") ==
      R"({"title":"Hello!","author":{"givenName":"John"},"tags":["example"],"content":"x","phoneNumber":"+01-123-456-7890"})");
  CHECK(merged(R"({"a":1,"b":2,"c":3})", R"({"a":null})") == R"({"b":2,"c":3})");
}

TEST_CASE("JSON Patch gives what RFC 6902 Appendix A says") {
  CHECK(patched(R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])") == R"({"foo":"bar","baz":"qux"})");
  CHECK(patched(R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])") ==
        R"({"foo":["bar","qux","baz"]})");
  CHECK(patched(R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])") == R"({"foo":"bar"})");
  CHECK(patched(R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])") == R"({"foo":["bar","baz"]})");
  CHECK(patched(R"({"baz":"qux","foo":"bar"})", R"([{"op":"replace","path":"/baz","value":"boo"}])") ==
        R"({"baz":"boo","foo":"bar"})");
  CHECK(patched(R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
                R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])") ==
        R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})");
  CHECK(patched(R"({"foo":["all","grass","cows","eat"]})", R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])") ==
        R"({"foo":["all","cows","eat","grass"]})");
  CHECK(patched(R"({"baz":"qux","foo":["a",2,"c"]})",
                R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])") ==
        R"({"baz":"qux","foo":["a",2,"c"]})");
  CHECK(patched(R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])") ==
        "conflict: operation 0 (test): \"/baz\" is not what the test expects");
  CHECK(patched(R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])") ==
        R"({"foo":"bar","child":{"grandchild":{}}})");
  CHECK(patched(R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux","xyz":123}])") ==
        R"({"foo":"bar","baz":"qux"})");
  CHECK(patched(R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])") ==
        "no: operation 0 (add): \"/baz/bat\" has no parent to be added to");
  CHECK(patched(R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])") == R"({"/":9,"~1":10})");
  CHECK(patched(R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":"10"}])").starts_with("conflict: "));
  CHECK(patched(R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])") ==
        R"({"foo":["bar",["abc","def"]]})");
}

TEST_CASE("JSON Patch works on the whole document") {
  CHECK(patched(R"({"a":1})", R"([])") == R"({"a":1})");
  CHECK(patched(R"({"a":1})", R"([{"op":"add","path":"","value":[1]}])") == "[1]");
  CHECK(patched(R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])") == R"({"b":2})");
  CHECK(patched(R"({"a":1})", R"([{"op":"remove","path":""}])") == "null");
  CHECK(patched(R"({"a":1})", R"([{"op":"copy","from":"","path":"/b"}])") == R"({"a":1,"b":{"a":1}})");
  CHECK(patched(R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":""}])") == R"({"b":1})");
  CHECK(patched(R"({"a":1})", R"([{"op":"test","path":"","value":{"a":1.0}}])") == R"({"a":1})");
  CHECK(patched(R"({"a":1})", R"([{"op":"move","from":"/a","path":"/a"}])") == R"({"a":1})");
}

TEST_CASE("JSON Patch: a test compares numbers by value, objects by members and arrays by order") {
  const auto holds = [](std::string_view a, std::string_view b) {
    return patched(std::string{a}, R"([{"op":"test","path":"","value":)" + std::string{b} + "}]")[0] != 'c';
  };
  CHECK(holds("1", "1.0"));
  CHECK(holds("100", "1e2"));
  CHECK_FALSE(holds("9007199254740993", "9007199254740992.0"));
  CHECK(holds(R"({"a":1,"b":[true,null]})", R"({"b":[true,null],"a":1})"));
  CHECK_FALSE(holds("[1,2]", "[2,1]"));
  CHECK_FALSE(holds("0", "false"));
  CHECK_FALSE(holds("null", "false"));
  CHECK_FALSE(holds(R"("1")", "1"));
  CHECK_FALSE(holds(R"({"a":null})", R"({"b":null})"));
}

TEST_CASE("JSON Patch: a test of a path that does not exist is a conflict, every other operation is unprocessable") {
  CHECK(patched("{}", R"([{"op":"test","path":"/a","value":null}])") ==
        "conflict: operation 0 (test): \"/a\" is not what the test expects");
  CHECK(patched("{}", R"([{"op":"remove","path":"/a"}])") == "no: operation 0 (remove): \"/a\" does not exist");
  CHECK(patched("{}", R"([{"op":"replace","path":"/a","value":1}])") == "no: operation 0 (replace): \"/a\" does not exist");
  CHECK(patched("{}", R"([{"op":"move","from":"/a","path":"/b"}])") == "no: operation 0 (move): \"/a\" does not exist");
  CHECK(patched("{}", R"([{"op":"copy","from":"/a","path":"/a"}])") == "no: operation 0 (copy): \"/a\" does not exist");
  CHECK(patched(R"({"a":"text"})", R"([{"op":"add","path":"/a/0","value":1}])") ==
        "no: operation 0 (add): \"/a/0\" has a parent that is neither object nor array");
}

TEST_CASE("JSON Patch: array indexes have no leading zero and lie within the array") {
  for (const std::string token : {"01", "00", "+1", "-1", "1e0", " 1", "1.0", "", "a", "99999999999999999999999", "4"}) {
    CAPTURE(token);
    CHECK(patched("[1,2,3]", R"([{"op":"add","path":"/)" + token + R"(","value":0}])").starts_with("no: "));
    CHECK(patched("[1,2,3]", R"([{"op":"remove","path":"/)" + token + R"("}])").starts_with("no: "));
  }
  CHECK(patched("[1,2,3]", R"([{"op":"add","path":"/3","value":4}])") == "[1,2,3,4]");
  CHECK(patched("[1,2,3]", R"([{"op":"add","path":"/0","value":0}])") == "[0,1,2,3]");
  CHECK(patched("[1,2,3]", R"([{"op":"remove","path":"/-"}])").starts_with("no: "));
  CHECK(patched("[1,2,3]", R"([{"op":"remove","path":"/3"}])").starts_with("no: "));
  CHECK(patched(R"({"01":1})", R"([{"op":"replace","path":"/01","value":2}])") == R"({"01":2})");
}

TEST_CASE("JSON Patch: what is malformed is a bad request, before anything else is judged") {
  for (const std::string_view patch :
       {R"({})", R"("add")", R"([1])", R"([{}])", R"([{"op":"add"}])", R"([{"op":"add","path":"/a"}])",
        R"([{"op":"test","path":"/a"}])", R"([{"op":"ADD","path":"/a","value":1}])", R"([{"op":1,"path":"/a","value":1}])",
        R"([{"op":"remove","path":1}])", R"([{"op":"remove","path":"a"}])", R"([{"op":"remove","path":"/a~"}])",
        R"([{"op":"remove","path":"/a~2"}])", R"([{"op":"move","path":"/a"}])", R"([{"op":"move","path":"/a","from":"b"}])",
        R"([{"op":"copy","path":"/a","from":null}])", R"([{"op":"move","from":"/a","path":"/a/b"}])",
        R"([{"op":"move","from":"","path":"/a"}])",
        R"([{"op":"test","path":"/missing","value":1},{"op":"nothing","path":""}])"}) {
    CAPTURE(patch);
    CHECK(patched(R"({"a":{}})", patch).starts_with("malformed: "));
  }
  CHECK(patched(R"({"ab":1})", R"([{"op":"move","from":"/ab","path":"/a"}])") == R"({"a":1})");
}

TEST_CASE("JSON Patch: the failure names the operation and has the pointer") {
  const auto result =
      apply_json_patch(json(R"({"a":1})"), json(R"([{"op":"remove","path":"/a"},{"op":"remove","path":"/b~1c"}])"));
  REQUIRE_FALSE(result);
  CHECK(result.error().error == Error::unprocessable);
  CHECK(result.error().detail == "operation 1 (remove): \"/b~1c\" does not exist");
  REQUIRE(result.error().errors.size() == 1);
  CHECK(result.error().errors[0] == nacre::FieldError{"/b~1c", "does not exist"});
}

TEST_CASE("JSON Patch: there is a most of operations") {
  std::string patch = "[";
  for (std::size_t i = 0; i < nacre::kMaxPatchOperations; ++i) patch += R"({"op":"add","path":"/a","value":1},)";
  CHECK(patched("{}", patch.substr(0, patch.size() - 1) + "]") == R"({"a":1})");
  CHECK(patched("{}", patch + R"({"op":"add","path":"/a","value":1}])").starts_with("malformed: "));
}

TEST_CASE("JSON Patch: copies of copies end before they fill the memory") {
  std::string patch = "[";
  for (int i = 0; i < 60; ++i) patch += R"({"op":"copy","from":"/a","path":"/a/-"},)";
  patch.back() = ']';
  CHECK(patched(R"({"a":["x"]})", patch).find("is more than a patch may carry") != std::string::npos);
}

TEST_CASE("JSON Patch: no way leads deeper than a document may nest") {
  std::string down;
  for (int i = 0; i < 63; ++i) down += "/0";
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  CHECK(patched(deep, R"([{"op":"add","path":")" + down + R"(/-","value":1}])").starts_with("[["));
  CHECK(patched(deep, R"([{"op":"add","path":")" + down + R"(/-","value":[]}])").starts_with("no: "));
  CHECK(patched(deep, R"([{"op":"replace","path":")" + down + R"(","value":[[]]}])").starts_with("no: "));
  CHECK(patched(deep, R"([{"op":"copy","from":"/0/0","path":"/0/0/0/-"}])").starts_with("no: "));
  CHECK(
      patched(
          "[" + std::string(60, '[') + std::string(60, ']') + ",[[[[[]]]]]]",
          R"([{"op":"move","from":"/1","path":"/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/-"}])")
          .starts_with("no: "));
}

namespace {

/// An array of so many zeros.
std::string zeros(std::size_t count) {
  std::string text = "[0";
  for (std::size_t i = 1; i < count; ++i) text += ",0";
  return text + "]";
}

std::string repeated(const std::string& operation, std::size_t count) {
  std::string text = "[" + operation;
  for (std::size_t i = 1; i < count; ++i) text += "," + operation;
  return text + "]";
}

std::string numbered(std::size_t count, const std::string& value) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) {
    text.append(i == 0 ? "\"" : ",\"").append("k").append(std::to_string(i)).append("\":").append(value);
  }
  return text + "}";
}

}  // namespace

TEST_CASE("JSON Patch: what lies behind the places that change may be moved only so often") {
  const std::string array = zeros(50'000);
  for (const std::string operation : {R"({"op":"add","path":"/0","value":1})", R"({"op":"remove","path":"/0"})",
                                      R"({"op":"move","from":"/9999","path":"/0"})"}) {
    CAPTURE(operation);
    CHECK_FALSE(patched(array, repeated(operation, 20)).starts_with("no: "));
    const std::string refused = patched(array, repeated(operation, 1'000));
    CHECK(refused.starts_with("no: operation "));
    CHECK(refused.ends_with("has more behind it than a patch may move"));
  }
  CHECK(patched(array, repeated(R"({"op":"add","path":"/-","value":1})", 1'000)).starts_with("[0,"));
  std::string removals;
  for (int i = 0; i < 1'000; ++i) removals += R"(,{"op":"remove","path":"/k)" + std::to_string(i) + "\"}";
  CHECK(patched(numbered(50'000, "0"), "[" + removals.substr(1) + "]").ends_with("has more behind it than a patch may move"));
}

TEST_CASE("Merge patch removes one, a few and nearly all of many members, and keeps the order of the others") {
  for (const std::size_t removed : {1, 8, 9, 100, 19'990}) {
    const std::string result = merged(numbered(20'000, "[1]"), numbered(removed, "null"));
    std::string kept = "{";
    for (std::size_t i = removed; i < 20'000; ++i) {
      kept.append(i == removed ? "\"" : ",\"").append("k").append(std::to_string(i)).append("\":[1]");
    }
    CHECK(result == kept + "}");
  }
  CHECK(merged(R"({"a":1,"b":2})", numbered(20, "null")) == R"({"a":1,"b":2})");
}
