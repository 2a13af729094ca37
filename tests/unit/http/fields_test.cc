#include "http/fields.h"

#include <doctest/doctest.h>

#include <vector>

namespace nacre::http {

namespace {

Request with(const HeaderList& headers) {
  Request request;
  request.headers = &headers;
  return request;
}

}  // namespace

TEST_CASE("a media type is compared without case and parameters, and only UTF-8 is a charset") {
  CHECK(media_type("Application/JSON") == "application/json");
  CHECK(media_type("application/json; charset=\"UTF-8\"") == "application/json");
  CHECK(media_type("application/merge-patch+json;v=1") == "application/merge-patch+json");
  for (const char* bad : {"", "json", "application/", "/json", "a b/c", "application/json; charset=latin1"}) {
    CAPTURE(bad);
    CHECK_FALSE(media_type(bad).has_value());
  }
}

TEST_CASE("Prefer: return=minimal is found among other preferences, and the first return counts") {
  for (const char* minimal : {"return=minimal", "respond-async, Return=\"minimal\"; x", " return = minimal "}) {
    CAPTURE(minimal);
    const std::vector<Header> headers{{"prefer", minimal}};
    CHECK(prefers_minimal(with(headers)));
  }
  for (const char* not_minimal : {"return=representation, return=minimal", "minimal", "return", ""}) {
    CAPTURE(not_minimal);
    const std::vector<Header> headers{{"Prefer", not_minimal}};
    CHECK_FALSE(prefers_minimal(with(headers)));
  }
}

TEST_CASE("preferences and codings on several lines are one list") {
  const std::vector<Header> two{{"Prefer", "respond-async"}, {"Prefer", "return=minimal"}};
  CHECK(prefers_minimal(with(two)));
  const auto coded = [](std::vector<Header> lines) { return has_content_coding(with(HeaderList(std::move(lines)))); };
  CHECK_FALSE(coded({}));
  CHECK_FALSE(coded({{"Content-Encoding", "identity"}}));
  CHECK_FALSE(coded({{"Content-Encoding", " , IDENTITY"}}));
  CHECK(coded({{"Content-Encoding", "gzip"}}));
  CHECK(coded({{"Content-Encoding", "identity"}, {"content-encoding", "br"}}));
}

TEST_CASE("an idempotency key is 1 to 255 visible characters, quoted or not") {
  const auto key = [](std::string_view value) {
    const std::vector<Header> headers{{"Idempotency-Key", value}};
    return idempotency_key(with(headers));
  };
  CHECK(**key("\"8e03978e-40d5\"") == "8e03978e-40d5");
  CHECK(**key("8e03978e-40d5") == "8e03978e-40d5");
  CHECK(**key(std::string(255, 'k')) == std::string(255, 'k'));
  CHECK_FALSE(idempotency_key(Request{})->has_value());
  const std::vector<Header> two{{"Idempotency-Key", "\"a\""}, {"Idempotency-Key", "\"b\""}};
  CHECK(idempotency_key(with(two)).error().error == Error::bad_request);
  for (const std::string& bad :
       {std::string("\"\""), std::string(" "), std::string(256, 'k'), std::string("a\"b"), std::string("\xC3\xA9")}) {
    CAPTURE(bad);
    CHECK(key(bad).error().error == Error::bad_request);
  }
}

TEST_CASE("a traceparent gives its trace-id only when it is valid") {
  CHECK(trace_id("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") == "0af7651916cd43dd8448eb211c80319c");
  CHECK(trace_id("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more") == "0af7651916cd43dd8448eb211c80319c");
  for (const char* bad :
       {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"}) {
    CAPTURE(bad);
    CHECK_FALSE(trace_id(bad).has_value());
  }
}

}  // namespace nacre::http
