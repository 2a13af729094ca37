#include "http/problem.h"

#include <doctest/doctest.h>

#include "json/parse.h"

namespace nacre::http {

TEST_CASE("every error has a status and a problem document that says so") {
  for (int i = 0; i <= static_cast<int>(Error::cancelled); ++i) {
    const auto error = static_cast<Error>(i);
    const Response response = problem(Failure(error), "r1", false);
    CAPTURE(response.status);
    CHECK(response.status >= 400);
    CHECK(response.content_type == "application/problem+json");
    CHECK(response.cache_control == "no-store");
    const auto document = parse_json(response.body);
    REQUIRE(document.has_value());
    CHECK(document->at("status").as_int64() == response.status);
    CHECK(document->at("instance").as_string() == "r1");
    CHECK(document->at("type").as_string() == "about:blank");
    CHECK_FALSE(document->at("title").as_string().empty());
    CHECK_FALSE(document->at("detail").as_string().empty());
  }
}

TEST_CASE("what only operators may know is told under debug alone") {
  Failure failure(Error::unavailable);
  failure.internal = "disk I/O error";
  CHECK(problem(failure, "r", false).body.find("disk") == std::string::npos);
  CHECK(problem(failure, "r", true).body.find("disk I/O error") != std::string::npos);
}

TEST_CASE("401 challenges, 429 and 503 say when to come again") {
  CHECK(problem(Failure(Error::unauthenticated), "r", false).header("WWW-Authenticate") == "Bearer");
  CHECK(problem(Failure(Error::invalid_token), "r", false).header("WWW-Authenticate") == "Bearer error=\"invalid_token\"");
  CHECK(problem(Failure(Error::unavailable), "r", false).header("Retry-After") == "1");
  Failure limited(Error::rate_limited);
  limited.retry_after = Seconds{7};
  CHECK(problem(limited, "r", false).header("retry-after") == "7");
  CHECK_FALSE(problem(Failure(Error::not_found), "r", false).header("Retry-After").has_value());
}

TEST_CASE("the places of a body's flaws are listed, and nothing of theirs breaks the document") {
  Failure failure(Error::unprocessable, "bad \"body\"");
  failure.errors = {{"/a\"b", "is\nrequired"}, {"", "x"}};
  const auto document = parse_json(problem(failure, "r", false).body);
  REQUIRE(document.has_value());
  CHECK(document->at("detail").as_string() == "bad \"body\"");
  const auto& errors = document->at("errors").as_array();
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].at("pointer").as_string() == "/a\"b");
  CHECK(errors[0].at("detail").as_string() == "is\nrequired");
}

}  // namespace nacre::http
