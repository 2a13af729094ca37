#include "base/time.h"

#include <doctest/doctest.h>

#include <string>

using nacre::format_http_date;
using nacre::format_rfc3339;
using nacre::Milliseconds;
using nacre::parse_http_date;
using nacre::parse_rfc3339;
using nacre::Timestamp;

namespace {

/// The text read and written again; "-" when it can't be read.
std::string again(std::string_view text) {
  const auto t = parse_rfc3339(text);
  return t ? format_rfc3339(*t) : "-";
}

}  // namespace

TEST_CASE("RFC 3339: the moment is written in UTC with milliseconds") {
  CHECK(format_rfc3339(Timestamp{}) == "1970-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(Timestamp{Milliseconds{1'767'323'045'678}}) == "2026-01-02T03:04:05.678Z");
  CHECK(format_rfc3339(Timestamp{Milliseconds{-1}}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("RFC 3339: moments without a four-digit year are held at the edges") {
  CHECK(format_rfc3339(Timestamp::max()) == "9999-12-31T23:59:59.999Z");
  CHECK(format_rfc3339(Timestamp::min()) == "0000-01-01T00:00:00.000Z");
}

TEST_CASE("RFC 3339: every written form of a moment reads as the same moment") {
  CHECK(again("2026-01-02T03:04:05.678Z") == "2026-01-02T03:04:05.678Z");
  CHECK(again("2026-01-02t03:04:05.678z") == "2026-01-02T03:04:05.678Z");
  CHECK(again("2026-01-02T03:04:05Z") == "2026-01-02T03:04:05.000Z");
  CHECK(again("2026-01-02T03:04:05.6Z") == "2026-01-02T03:04:05.600Z");
  CHECK(again("2026-01-02T03:04:05.67Z") == "2026-01-02T03:04:05.670Z");
  CHECK(again("2026-01-02T03:04:05.678999999999999999999Z") == "2026-01-02T03:04:05.678Z");
  CHECK(again("2026-01-02T05:34:05.678+02:30") == "2026-01-02T03:04:05.678Z");
  CHECK(again("2026-01-01T23:04:05.678-04:00") == "2026-01-02T03:04:05.678Z");
  CHECK(again("2026-01-02T03:04:05.678-00:00") == "2026-01-02T03:04:05.678Z");
}

TEST_CASE("RFC 3339: a leap second becomes the next second, and is one only where a UTC day ends") {
  CHECK(again("1998-12-31T23:59:60Z") == "1999-01-01T00:00:00.000Z");
  CHECK(again("1998-12-31T23:59:60.25Z") == "1999-01-01T00:00:00.250Z");
  CHECK(again("1998-12-31T15:59:60-08:00") == "1999-01-01T00:00:00.000Z");
  CHECK(again("1998-12-31T22:59:60Z") == "-");
  CHECK(again("1998-12-31T23:58:60Z") == "-");
  CHECK(again("1998-12-31T23:59:61Z") == "-");
}

TEST_CASE("RFC 3339: days that do not exist are refused") {
  CHECK(again("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00.000Z");
  CHECK(again("2023-02-29T00:00:00Z") == "-");
  CHECK(again("1900-02-29T00:00:00Z") == "-");
  CHECK(again("2026-04-31T00:00:00Z") == "-");
  CHECK(again("2026-00-10T00:00:00Z") == "-");
  CHECK(again("2026-13-10T00:00:00Z") == "-");
  CHECK(again("2026-01-00T00:00:00Z") == "-");
}

TEST_CASE("RFC 3339: the UTC year stays within 0000 to 9999") {
  CHECK(again("0000-01-01T00:00:00Z") == "0000-01-01T00:00:00.000Z");
  CHECK(again("9999-12-31T23:59:59.999Z") == "9999-12-31T23:59:59.999Z");
  CHECK(again("0000-01-01T00:00:00+00:01") == "-");
  CHECK(again("9999-12-31T23:59:59-00:01") == "-");
  CHECK(again("9999-12-31T23:59:60Z") == "-");
}

TEST_CASE("RFC 3339: malformed texts are refused") {
  for (const std::string_view text : {"",
                                      "2026-01-02",
                                      "2026-01-02T03:04:05",
                                      "2026-01-02 03:04:05Z",
                                      "2026-01-02T03:04Z",
                                      "2026-01-02T03:04:05.Z",
                                      "2026-01-02T03:04:05,5Z",
                                      "2026-1-02T03:04:05Z",
                                      "26-01-02T03:04:05Z",
                                      "+2026-01-02T03:04:05Z",
                                      "2026-01-02T24:00:00Z",
                                      "2026-01-02T03:60:05Z",
                                      "2026-01-02T03:04:05+24:00",
                                      "2026-01-02T03:04:05+02:60",
                                      "2026-01-02T03:04:05+0200",
                                      "2026-01-02T03:04:05+02",
                                      "2026-01-02T03:04:05ZZ",
                                      " 2026-01-02T03:04:05Z",
                                      "2026-01-02T03:04:05Z ",
                                      "2026-01-02T03:04:0\xd9\xa1Z",
                                      "-026-01-02T03:04:05Z"}) {
    CAPTURE(text);
    CHECK(again(text) == "-");
  }
  CHECK(again(std::string_view{"2026-01-02T03:04:05Z\0", 21}) == "-");
}

TEST_CASE("HTTP dates are written as IMF-fixdate, the fraction cut") {
  CHECK(format_http_date(*parse_rfc3339("1994-11-06T08:49:37.999Z")) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_http_date(*parse_rfc3339("1969-12-31T23:59:59.001Z")) == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(format_http_date(*parse_rfc3339("2026-01-02T03:04:05Z")) == "Fri, 02 Jan 2026 03:04:05 GMT");
}

TEST_CASE("HTTP dates are read in all three forms of RFC 9110 §5.6.7") {
  const auto moment = parse_rfc3339("1994-11-06T08:49:37Z");
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == moment);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == moment);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == moment);
  CHECK(parse_http_date("Wed Nov 16 08:49:37 1994") == parse_rfc3339("1994-11-16T08:49:37Z"));
  CHECK(parse_http_date("Friday, 02-Jan-26 03:04:05 GMT") == parse_rfc3339("2026-01-02T03:04:05Z"));
}

TEST_CASE("Malformed HTTP dates are refused") {
  for (const std::string_view text :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun Nov 6 08:49:37 1994", "1994-11-06T08:49:37Z", "0", "-1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text));
  }
}
