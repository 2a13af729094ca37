#include "http/cors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace nacre::http {

namespace {

constexpr std::string_view kApp = "https://app.example.com";

/// "" when the line is not there; each line may be there once.
std::string line(const CorsLines& lines, std::string_view name) {
  const auto is_it = [&](const Header& header) { return header.name == name; };
  CHECK(std::count_if(lines.begin(), lines.end(), is_it) <= 1);
  const auto* const found = std::find_if(lines.begin(), lines.end(), is_it);
  return found == lines.end() ? std::string() : std::string(found->value);
}

std::size_t count(const CorsLines& lines) { return static_cast<std::size_t>(lines.end() - lines.begin()); }

bool lists(std::string_view list, std::string_view name) {
  const std::string padded = ", " + std::string(list) + ",";
  return padded.find(", " + std::string(name) + ",") != std::string::npos;
}

}  // namespace

TEST_CASE("a page of an allowed origin may read the answer, another may not, and every answer varies by the origin") {
  const Cors cors({.origins = {"https://b.example", std::string(kApp), "http://localhost:5173"}});
  for (const std::string_view origin :
       {kApp, std::string_view("https://b.example"), std::string_view("http://localhost:5173")}) {
    const auto lines = cors.answer(origin);
    CHECK(line(lines, "Access-Control-Allow-Origin") == origin);
    CHECK(line(lines, "Access-Control-Allow-Credentials").empty());
    CHECK(line(lines, "Vary") == "Origin");
    for (const char* name : {"ETag", "Location", "Link", "Retry-After", "X-Request-Id", "RateLimit", "WWW-Authenticate"}) {
      CHECK(lists(line(lines, "Access-Control-Expose-Headers"), name));
    }
  }
  for (const char* origin :
       {"https://app.example.co", "https://app.example.com.evil.example", "https://evil-app.example.com",
        "http://app.example.com", "https://app.example.com:8443", "https://app.example.com/", "HTTPS://APP.EXAMPLE.COM", "null",
        "", "*", "https://app.example.com, https://evil.example", "https://app.example.com https://evil.example"}) {
    CAPTURE(origin);
    const auto lines = cors.answer(origin);
    CHECK(count(lines) == 1);
    CHECK(line(lines, "Vary") == "Origin");
  }
  CHECK(count(cors.answer(std::nullopt)) == 1);
  CHECK(line(cors.answer(std::nullopt), "Vary") == "Origin");
}

TEST_CASE("for all origins nothing depends on the origin") {
  const Cors cors({.any_origin = true});
  for (const auto origin :
       {std::optional<std::string_view>(kApp), std::optional<std::string_view>("null"), std::optional<std::string_view>()}) {
    const auto lines = cors.answer(origin);
    CHECK(line(lines, "Access-Control-Allow-Origin") == "*");
    CHECK(line(lines, "Vary").empty());
    CHECK(line(lines, "Access-Control-Allow-Credentials").empty());
  }
  CHECK(line(cors.preflight(kApp, "GET"), "Access-Control-Allow-Origin") == "*");
}

TEST_CASE("credentials are allowed with the origin's own name, on the preflight and on the answer") {
  const Cors cors({.origins = {std::string(kApp)}, .credentials = true});
  for (const auto& lines : {cors.answer(kApp), cors.preflight(kApp, "GET")}) {
    CHECK(line(lines, "Access-Control-Allow-Origin") == kApp);
    CHECK(line(lines, "Access-Control-Allow-Credentials") == "true");
  }
  CHECK(line(cors.answer("https://evil.example"), "Access-Control-Allow-Credentials").empty());
}

TEST_CASE("a preflight names the methods of the path, the headers that the API reads, and for how long") {
  const Cors cors(
      {.origins = {std::string(kApp)}, .max_age = Milliseconds{90'500}, .headers = {"X-Tenant"}, .expose = {"X-Total"}});
  const auto lines = cors.preflight(kApp, "GET, PUT");
  CHECK(line(lines, "Access-Control-Allow-Methods") == "GET, PUT");
  CHECK(line(lines, "Access-Control-Max-Age") == "90");
  for (const char* name : {"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer",
                           "X-CSRF-Token", "traceparent", "tracestate", "X-Tenant"}) {
    CHECK(lists(line(lines, "Access-Control-Allow-Headers"), name));
  }
  CHECK(line(lines, "Access-Control-Expose-Headers").empty());
  CHECK(lists(line(lines, "Vary"), "Origin"));
  CHECK(lists(line(cors.answer(kApp), "Access-Control-Expose-Headers"), "X-Total"));

  CHECK(line(cors.preflight(kApp, ""), "Access-Control-Allow-Methods") == "GET, HEAD, POST, PUT, PATCH, DELETE");

  const auto refused = cors.preflight("https://evil.example", "GET, PUT");
  CHECK(count(refused) == 1);
  CHECK(lists(line(refused, "Vary"), "Origin"));
}

TEST_CASE("a preflight is OPTIONS with Origin and Access-Control-Request-Method") {
  const HeaderList both({{"origin", kApp}, {"access-control-request-method", "PUT"}});
  CHECK(Cors::is_preflight(Method::options, both));
  CHECK_FALSE(Cors::is_preflight(Method::get, both));
  CHECK_FALSE(Cors::is_preflight(Method::options, HeaderList(std::vector<Header>{{"Origin", kApp}})));
  CHECK_FALSE(Cors::is_preflight(Method::options, HeaderList(std::vector<Header>{{"Access-Control-Request-Method", "PUT"}})));
}

TEST_CASE("an origin is written as browsers write it") {
  for (const char* good : {"https://app.example.com", "http://localhost", "http://localhost:5173", "https://a.example:80",
                           "http://a.example:443", "http://127.0.0.1:8080", "http://[::1]:8080", "https://[2001:db8::1]",
                           "https://xn--bcher-kva.example", "http://my_pc", "https://1.example"}) {
    CAPTURE(good);
    CHECK_FALSE(flaw_of_origin(good));
  }
  for (const char* bad : {"",
                          "*",
                          "null",
                          "app.example.com",
                          "//app.example.com",
                          "ftp://a.example",
                          "file://",
                          "https://",
                          "https:///",
                          "https://a/",
                          "https://a/b",
                          "https://a?b",
                          "https://a#b",
                          "https://A.example",
                          "HTTPS://a.example",
                          "https://a:443",
                          "http://a:80",
                          "https://a:",
                          "https://a:0",
                          "https://a:080",
                          "https://a:65536",
                          "https://a:x",
                          "https://u@a",
                          "https://u:p@a",
                          "https://*.a",
                          "https://a..b",
                          "https://.a",
                          "https://a.",
                          "https://a b",
                          "https://b\xC3\xBC"
                          "cher.example",
                          "https://1.2.3.256",
                          "https://1.2.3",
                          "https://a.1",
                          "https://[::1",
                          "https://[::g]",
                          "https://[::1]x",
                          "https://::1",
                          "https://a,https://b",
                          "https://a\r\nX: y",
                          "https://a\n"}) {
    CAPTURE(bad);
    CHECK(flaw_of_origin(bad));
  }
  CHECK(flaw_of_origin(std::string_view("https://a\0b", 11)));
  CHECK(flaw_of_origin("https://" + std::string(300, 'a')));
}

}  // namespace nacre::http
