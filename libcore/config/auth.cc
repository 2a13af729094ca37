#include "config/auth.h"

#include <algorithm>

#include "config/bounds.h"
#include "config/reader.h"
#include "config/scalar.h"
#include "config/web_address.h"

namespace nacre::config {
namespace {

void read_session(const Source& source, const Member& member, Auth& auth) {
  constexpr std::string_view kNames = "allowed: 1 to 64 letters, digits and !#$%&'*+-.^_`|~";
  const Reader session(source, member.value, member.mark, {"ttl", "idle", "cookie"});
  session.duration("ttl", auth.session_ttl, kShortestLifetime, kLongestLifetime);
  session.duration("idle", auth.session_idle, kShortestLifetime, kLongestLifetime);
  session.string("cookie", auth.cookie, kNames);
  if (!is_token(auth.cookie)) session.report(*session.find("cookie"), "no name for a cookie", kNames);
}

/// A key that must be there and is text.
std::string required(const Reader& reader, std::string_view key, std::string_view allowed) {
  const Member& member = reader.require(key, allowed);
  std::string text;
  reader.string(key, text, allowed);
  if (member.value.kind == Value::Kind::scalar && member.value.text.empty()) reader.report(member, "empty", allowed);
  return text;
}

/// Where keys come from: whoever can change them on the way can be anybody.
JwtIssuer read_issuer(const Source& source, const Value& value) {
  constexpr std::string_view kNames = "allowed: [a-z][a-z0-9_-]*, at most 64 characters";
  constexpr std::string_view kAddresses = "allowed: https://HOST/PATH; http:// for this machine only";
  constexpr std::string_view kClaims = "allowed: a claim's name, dotted where it is inside another, as in realm_access.roles";
  const Reader reader(source, value, value.mark, {"name", "issuer", "audience", "jwks", "roles"});
  JwtIssuer issuer{.name = required(reader, "name", kNames),
                   .issuer = required(reader, "issuer", "allowed: the tokens' iss, as in https://id.example.com/realms/a"),
                   .audience = required(reader, "audience", "allowed: the tokens' aud, as in notes"),
                   .jwks = required(reader, "jwks", kAddresses),
                   .roles = {}};
  reader.string("roles", issuer.roles, kClaims);
  if (!issuer.name.empty() && !is_resource_name(issuer.name)) reader.report(*reader.find("name"), "no name", kNames);
  const auto address = parse_web_address(issuer.jwks);
  if (!address || !(address->tls || is_loopback(address->host))) {
    source.report(reader.find("jwks")->value.mark, "jwks: it is no address that keys can be trusted from", kAddresses);
  }
  return issuer;
}

std::vector<JwtIssuer> read_issuers(const Source& source, const Member& member) {
  if (member.value.kind != Value::Kind::sequence) {
    source.fail(member.value.mark, "jwt: " + describe(member.value) + " is no list of issuers",
                "allowed: a list of mappings of name, issuer, audience, jwks, roles");
  }
  std::vector<JwtIssuer> issuers;
  for (const Value& item : member.value.items) {
    JwtIssuer issuer = read_issuer(source, item);
    if (std::any_of(issuers.begin(), issuers.end(), [&](const JwtIssuer& other) { return other.name == issuer.name; })) {
      source.report(item.mark, "jwt: the name " + quote(issuer.name) + " stands here twice", "allowed: each name once");
    }
    issuers.push_back(std::move(issuer));
  }
  return issuers;
}

Mail read_mail(const Source& source, const Member& member) {
  const Reader reader(source, member.value, member.mark, {"uri", "from", "link"});
  constexpr std::string_view kUris = "allowed: smtps://USER:PASSWORD@HOST, smtp://HOST";
  constexpr std::string_view kLinks = "allowed: http:// or https://, a host, and a path";
  Mail mail{.uri = required(reader, "uri", kUris),
            .from = required(reader, "from", "allowed: an e-mail address"),
            .link = required(reader, "link", kLinks)};
  if (!is_mail_server(mail.uri)) source.report(reader.find("uri")->value.mark, "uri: it names no mail server", kUris);
  const std::size_t at = mail.from.find('@');
  if (at == 0 || at == std::string::npos || at + 1 == mail.from.size() ||
      mail.from.find_first_of(" \t\r\n<>,") != std::string::npos) {
    reader.report(*reader.find("from"), "no e-mail address", "allowed: an e-mail address");
  }
  if (!parse_web_address(mail.link)) source.report(reader.find("link")->value.mark, "link: it is no address of a site", kLinks);
  return mail;
}

}  // namespace

Auth read_auth(const Source& source, const Member& member) {
  const Reader reader(source, member.value, member.mark, {"registration", "password", "session", "jwt", "mail"});
  source.warn(member.mark, "auth is checked, but not enforced yet: nobody can log in", "what asks for a user is refused");
  Auth auth;
  reader.choice("registration", auth.registration_open, {{"open", true}, {"closed", false}});
  if (const auto* given = reader.find("password")) {
    const Reader password(source, given->value, given->mark, {"min"});
    password.integer("min", auth.shortest_password, kLeastPassword, kLongestPassword);
  }
  if (const auto* given = reader.find("session")) read_session(source, *given, auth);
  if (const auto* given = reader.find("jwt")) auth.jwt = read_issuers(source, *given);
  if (const auto* given = reader.find("mail")) auth.mail = read_mail(source, *given);
  return auth;
}

}  // namespace nacre::config
