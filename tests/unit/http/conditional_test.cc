#include "http/conditional.h"

#include <doctest/doctest.h>

namespace nacre::http {

namespace {

Request with(const HeaderList& headers) {
  Request request;
  request.method = Method::get;
  request.headers = &headers;
  return request;
}

}  // namespace

TEST_CASE("If-None-Match compares weakly, in lists, and a star matches any") {
  CHECK(matches_if_none_match("\"3\"", "\"3\""));
  CHECK(matches_if_none_match("W/\"3\"", "\"3\""));
  CHECK(matches_if_none_match("\"3\"", "W/\"3\""));
  CHECK(matches_if_none_match(" * ", "\"3\""));
  CHECK(matches_if_none_match("\"1\" , ,W/\"2\",\t\"3\"", "\"3\""));
  CHECK_FALSE(matches_if_none_match("\"33\"", "\"3\""));
  CHECK_FALSE(matches_if_none_match("3", "\"3\""));
  CHECK_FALSE(matches_if_none_match("\"3", "\"3\""));
  CHECK_FALSE(matches_if_none_match("", "\"3\""));
}

TEST_CASE("a tag may hold commas, and what follows a flaw does not count") {
  CHECK(matches_if_none_match("\"a,b\", \"c\"", "\"a,b\""));
  CHECK_FALSE(matches_if_none_match("\"a\" x, \"3\"", "\"3\""));
}

TEST_CASE("If-None-Match is asked before If-Modified-Since") {
  const Timestamp modified{Milliseconds{784'111'777'900}};  // Sun, 06 Nov 1994 08:49:37.900 GMT
  const std::vector<Header> both{{"if-none-match", "\"1\""}, {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  CHECK_FALSE(not_modified(with(both), "\"2\"", modified));
  CHECK(not_modified(with(both), "\"1\"", modified));
  const std::vector<Header> since{{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  CHECK(not_modified(with(since), "\"2\"", modified));
  CHECK_FALSE(not_modified(with(since), "\"2\"", modified + Seconds{1}));
  CHECK_FALSE(not_modified(with(since), "\"2\"", std::nullopt));
  const std::vector<Header> nonsense{{"If-Modified-Since", "yesterday"}};
  CHECK_FALSE(not_modified(with(nonsense), "\"2\"", modified));
}

TEST_CASE("If-Match becomes revisions; what can't be one matches nothing") {
  const auto parse = [](std::string_view value) {
    const std::vector<Header> headers{{"If-Match", value}};
    return parse_if_match(with(headers));
  };
  CHECK(parse_if_match(Request{})->any);
  CHECK(parse("*")->any);
  CHECK(parse("\"3\", \"7\"")->revs == std::vector<std::int64_t>{3, 7});
  for (const char* none : {"W/\"3\"", "\"03\"", "\"+3\"", "\"-3\"", "\"0\"", "\"abc\"", "\"\"", "\"99999999999999999999\""}) {
    CAPTURE(none);
    const auto precondition = parse(none);
    REQUIRE(precondition.has_value());
    CHECK_FALSE(precondition->any);
    CHECK(precondition->revs.empty());
  }
  CHECK(parse("3").error().error == Error::bad_request);
  CHECK(parse("\"3\" \"4\"").error().error == Error::bad_request);
}

}  // namespace nacre::http
