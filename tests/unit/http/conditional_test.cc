#include "http/conditional.h"

#include <doctest/doctest.h>

#include <set>

namespace nacre::http {

namespace {

using Outcome = Preconditions::Outcome;

constexpr std::string_view kTag = "\"now\"";
const Timestamp modified{Milliseconds{784'111'777'900}};  // Sun, 06 Nov 1994 08:49:37.900 GMT
constexpr const char* kSame = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";

Result<Outcome> judge(Method method, std::vector<Header> lines, std::optional<Timestamp> when = modified) {
  const HeaderList headers(std::move(lines));
  Request request;
  request.method = method;
  request.headers = &headers;
  const auto asked = Preconditions::of(request);
  if (!asked) return asked.error();
  return asked->judge(kTag, when);
}

bool holds(const Result<Outcome>& result) { return result && *result == Outcome::holds; }
bool not_modified(const Result<Outcome>& result) { return result && *result == Outcome::not_modified; }
bool failed(const Result<Outcome>& result) { return !result && result.error().error == Error::precondition_failed; }

constexpr Method kReads[] = {Method::get, Method::head};
constexpr Method kWrites[] = {Method::put, Method::patch, Method::del, Method::post};
constexpr Method kAll[] = {Method::get, Method::head, Method::put, Method::patch, Method::del, Method::post};

}  // namespace

TEST_CASE("an entity tag is quoted, the same for the same bytes, and another one for others") {
  std::set<std::string> tags;
  for (const char* bytes : {"", "a", "b", "ab", "{\"_rev\":1}", "{\"_rev\":2}"}) {
    const std::string tag(entity_tag(bytes));
    CHECK(tag == entity_tag(bytes));
    CHECK(tag.front() == '"');
    CHECK(tag.find('"', 1) == tag.size() - 1);
    EntityTagList list(tag);
    CHECK(list.next()->opaque == std::string_view(tag).substr(1, tag.size() - 2));
    tags.insert(tag);
  }
  CHECK(tags.size() == 6);
  CHECK(entity_tag("") == "\"yuZpQdnvvUBOTYh1jqZ2cA\"");
}

TEST_CASE("a list names a tag weakly, and a star names any") {
  CHECK(names_tag("\"3\"", "\"3\""));
  CHECK(names_tag("W/\"3\"", "\"3\""));
  CHECK(names_tag("\"3\"", "W/\"3\""));
  CHECK(names_tag(" * ", "\"3\""));
  CHECK(names_tag("\"1\" , ,W/\"2\",\t\"3\"", "\"3\""));
  CHECK_FALSE(names_tag("\"33\"", "\"3\""));
  CHECK_FALSE(names_tag("3", "\"3\""));
  CHECK_FALSE(names_tag("\"3", "\"3\""));
  CHECK_FALSE(names_tag("", "\"3\""));
  CHECK_FALSE(names_tag("", ""));
  CHECK(names_tag("*", ""));
  CHECK(names_tag("\"a,b\", \"c\"", "\"a,b\""));
  CHECK_FALSE(names_tag("\"a\" x, \"3\"", "\"3\""));
  CHECK_FALSE(names_tag("\"client,*,tag\"", "\"3\""));
  CHECK_FALSE(names_tag("\"*\"", "\"3\""));
  CHECK_FALSE(names_tag("\"x, \"3\"", "\"3\""));
}

TEST_CASE("without a precondition everything holds") {
  for (const Method method : kAll) CHECK(holds(judge(method, {{"If-Range", "\"x\""}, {"Accept", "*/*"}})));
  CHECK(Preconditions::of(Request{})->none());
}

TEST_CASE("If-Match: one of the tags, or a star, on every method") {
  for (const Method method : kAll) {
    for (const char* good : {"*", "\"now\"", "W/\"now\"", "\"old\", \"now\"", "\"old\",,W/\"now\""})
      CHECK(holds(judge(method, {{"If-Match", good}})));
    for (const char* bad : {"\"old\"", "W/\"old\"", "\"Now\"", "\"no\"", ""}) CHECK(failed(judge(method, {{"If-Match", bad}})));
    for (const char* malformed : {"now", "\"now", "\"a\" \"now\"", "*, \"now\"", "W/now", "w/\"now\""})
      CHECK(judge(method, {{"If-Match", malformed}}).error().error == Error::bad_request);
  }
  CHECK(judge(Method::put, {{"If-Match", "W/\"old\""}}).error().detail.find("W/") != std::string::npos);
  CHECK(judge(Method::put, {{"If-Match", "\"old\""}}).error().detail.find("W/") == std::string::npos);
}

TEST_CASE("If-Unmodified-Since: in whole seconds, on every method, where there is a date") {
  for (const Method method : kAll) {
    CHECK(holds(judge(method, {{"If-Unmodified-Since", kSame}})));
    CHECK(failed(judge(method, {{"If-Unmodified-Since", kBefore}})));
    CHECK(holds(judge(method, {{"If-Unmodified-Since", kBefore}}, std::nullopt)));
    for (const char* ignored : {"yesterday", "", "Sun, 06 Nov 1994 08:49:36 CET", "784111776"})
      CHECK(holds(judge(method, {{"If-Unmodified-Since", ignored}})));
    CHECK(holds(judge(method, {{"If-Unmodified-Since", kBefore}, {"If-Unmodified-Since", kBefore}})));
  }
}

TEST_CASE("all three forms of an HTTP date are read") {
  for (const char* date : {"Sun, 06 Nov 1994 08:49:36 GMT", "Sunday, 06-Nov-94 08:49:36 GMT", "Sun Nov  6 08:49:36 1994"}) {
    CHECK(failed(judge(Method::del, {{"If-Unmodified-Since", date}})));
    CHECK(holds(judge(Method::get, {{"If-Modified-Since", date}})));
  }
}

TEST_CASE("If-None-Match: 304 for what reads, a failure for what writes") {
  for (const char* same : {"*", "\"now\"", "W/\"now\"", "\"old\", \"now\""}) {
    for (const Method method : kReads) CHECK(not_modified(judge(method, {{"If-None-Match", same}})));
    for (const Method method : kWrites) CHECK(failed(judge(method, {{"If-None-Match", same}})));
  }
  for (const Method method : kAll) CHECK(holds(judge(method, {{"If-None-Match", "\"old\", W/\"older\""}})));
  for (const Method method : kReads) CHECK(holds(judge(method, {{"If-None-Match", "old"}})));
  for (const Method method : kWrites) CHECK(judge(method, {{"If-None-Match", "old"}}).error().error == Error::bad_request);
}

TEST_CASE("If-Modified-Since: for what reads alone") {
  for (const Method method : kReads) {
    CHECK(not_modified(judge(method, {{"If-Modified-Since", kSame}})));
    CHECK(holds(judge(method, {{"If-Modified-Since", kBefore}})));
    CHECK(holds(judge(method, {{"If-Modified-Since", kSame}}, std::nullopt)));
    CHECK(holds(judge(method, {{"If-Modified-Since", "nonsense"}})));
  }
  for (const Method method : kWrites) CHECK(holds(judge(method, {{"If-Modified-Since", kSame}})));
}

TEST_CASE("the order is that of RFC 9110: tags before dates, what must match before what must not") {
  for (const Method method : kAll) {
    CHECK(holds(judge(method, {{"If-Match", "\"now\""}, {"If-Unmodified-Since", kBefore}})));
    CHECK(failed(judge(method, {{"If-Match", "\"old\""}, {"If-Unmodified-Since", kSame}})));
    CHECK(failed(judge(method, {{"If-None-Match", "\"now\""}, {"If-Match", "\"old\""}})));
    CHECK(failed(judge(method, {{"If-None-Match", "\"now\""}, {"If-Unmodified-Since", kBefore}})));
  }
  CHECK(not_modified(judge(Method::get, {{"If-Match", "\"now\""}, {"If-None-Match", "\"now\""}})));
  CHECK(failed(judge(Method::put, {{"If-Match", "\"now\""}, {"If-None-Match", "\"now\""}})));
  CHECK(holds(judge(Method::get, {{"If-None-Match", "\"old\""}, {"If-Modified-Since", kSame}})));
  CHECK(not_modified(judge(Method::get, {{"If-None-Match", "\"now\""}, {"If-Modified-Since", kBefore}})));
}

TEST_CASE("several lines of one name are one list, and names have no case") {
  CHECK(holds(judge(Method::put, {{"if-match", "\"old\""}, {"Accept", "*/*"}, {"IF-MATCH", "\"now\""}})));
  CHECK(not_modified(judge(Method::get, {{"If-None-Match", "\"old\""}, {"If-None-Match", "\"now\""}})));
  CHECK(judge(Method::put, {{"If-Match", "*"}, {"If-Match", "\"now\""}}).error().error == Error::bad_request);
}

}  // namespace nacre::http
