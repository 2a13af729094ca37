// `auth`, `limit` and `tracing`: read and checked, and a warning says that they have no effect yet.
#include <doctest/doctest.h>

#include <string>

#include "config/load.h"
#include "config/web_address.h"

using namespace nacre;
using namespace nacre::config;

namespace {

/// The lines of the contract.
constexpr auto kAllKeys = R"(version: 1
auth:
  registration: open                           # open | closed
  password: { min: 15 }                        # NIST SP 800-63B-4 §3.1.1.2; at least 8
  session: { ttl: 14d, idle: 2d, cookie: nacre_session }
  jwt:                                         # tokens of others: Keycloak, Auth0, Entra …
    - { name: id, issuer: "https://id.example.com/realms/a", audience: notes, jwks: "https://id.example.com/realms/a/certs", roles: realm_access.roles }
  mail: { uri: "smtps://user:${NACRE_TEST_SMTP}@mail.example.com", from: "notes@example.com", link: "https://app.example.com" }
tracing: { otlp: "http://collector:4318", sample: 0.01 }
resources:
  notes:
    schema: { type: object }
    limit:   { rate: 50/s, burst: 100, per: user }
  others:
    schema: { type: object }
    limit:
      - { rate: 500/s, for: "role:editor", cost: { list: 5, create: 10 } }
      - { rate: 5/s }
)";

std::shared_ptr<const Config> parse_text(const std::string& yaml) { return load_text(yaml, "nacre.yaml", "/srv"); }

std::string what_is_wrong(const std::string& yaml) {
  try {
    parse_text("version: 1\n" + yaml);
  } catch (const LoadError& error) {
    return error.what();
  }
  return "accepted";
}

struct SmtpPassword {
  SmtpPassword() { ::setenv("NACRE_TEST_SMTP", "the-secret", 1); }
  ~SmtpPassword() { ::unsetenv("NACRE_TEST_SMTP"); }
};

}  // namespace

TEST_SUITE("config: what is not enforced yet") {
  TEST_CASE("all keys of the contract load with their values") {
    const SmtpPassword password;
    const auto config = parse_text(kAllKeys);
    const Auth& auth = config->auth;
    CHECK(auth.registration_open);
    CHECK(auth.shortest_password == 15);
    REQUIRE(auth.jwt.size() == 1);
    CHECK(auth.jwt[0].name == "id");
    CHECK(auth.jwt[0].issuer == "https://id.example.com/realms/a");
    CHECK(auth.jwt[0].audience == "notes");
    CHECK(auth.jwt[0].jwks == "https://id.example.com/realms/a/certs");
    CHECK(auth.jwt[0].roles == "realm_access.roles");
    REQUIRE(auth.mail);
    CHECK(auth.mail->uri == "smtps://user:the-secret@mail.example.com");
    CHECK(auth.mail->from == "notes@example.com");
    CHECK(auth.mail->link == "https://app.example.com");
    REQUIRE(config->tracing);
    CHECK(config->tracing->otlp == "http://collector:4318");
    CHECK(config->tracing->sample == doctest::Approx(0.01));

    const auto& limits = config->resource("others")->limits;
    REQUIRE(limits.size() == 2);
    CHECK(limits[0].role == "editor");
    CHECK(limits[0].costs == decltype(limits[0].costs){{"list", 5}, {"create", 10}});
    CHECK(limits[1].role.empty());
  }

  TEST_CASE("one warning each says where") {
    const SmtpPassword password;
    const auto config = parse_text(kAllKeys);
    REQUIRE(config->warnings.size() == 4);
    CHECK(config->warnings[0].starts_with("nacre.yaml:2:1: auth is checked, but not enforced yet"));
    CHECK(config->warnings[1].starts_with("nacre.yaml:9:1: tracing is checked, but nothing is sent yet"));
    CHECK(config->warnings[2].starts_with("nacre.yaml:13:5: limit is checked, but not enforced yet"));
    CHECK(config->warnings[3].starts_with("nacre.yaml:16:5: limit is checked, but not enforced yet"));
    CHECK(parse_text("version: 1\nresources: { notes: { schema: {} } }\n")->warnings.empty());
  }

  TEST_CASE("a password in the URI of the mail server is never told") {
    for (const auto* mail : {"uri: \"https://user:the-secret@mail\", from: \"a@b\", link: \"https://b\"",
                             "uri: \"smtp://user:the-secret@\", from: \"a@b\", link: \"https://b\"",
                             "uri: \"smtps://h\", from: \"a@b\", link: \"https://user:the-secret@b\""}) {
      const auto wrong = what_is_wrong(std::string("auth: { mail: { ") + mail + " } }\n");
      CHECK(wrong != "accepted");
      CHECK(wrong.find("the-secret") == std::string::npos);
    }
    CHECK(what_is_wrong("tracing: { otlp: \"http://user:the-secret@b\" }\n").find("the-secret") == std::string::npos);
  }

  TEST_CASE("web addresses") {
    CHECK(parse_web_address("https://a")->tls);
    CHECK(parse_web_address("HTTP://a-b.example:80/x/y")->host == "a-b.example");
    CHECK(parse_web_address("http://[::1]:80/")->host == "[::1]");
    for (const auto* text : {"", "https://", "ftp://a", "https:///x", "https://a b", "https://u@a", "https://a:x",
                             "https://a:", "https://a?x", "https://a#x", "http://[::1", "http://[]", "https://a:123456"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_web_address(text));
    }
    CHECK(is_loopback("localhost"));
    CHECK(is_loopback("127.0.0.1"));
    CHECK(is_loopback("[::1]"));
    CHECK_FALSE(is_loopback("127.example"));
    CHECK_FALSE(is_loopback("localhost.example"));
  }
}
