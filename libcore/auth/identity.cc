#include "auth/identity.h"

#include "base/ascii.h"

namespace nacre::auth {

Result<Identity> identify(const http::Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view credential = request.header("Authorization").value_or("");
  if (credential.size() >= kBearer.size() && equals_ignoring_case(credential.substr(0, kBearer.size()), kBearer)) {
    return Failure(Error::invalid_token, "the token is not known here");
  }
  return Identity{};
}

Result<void> authorize(const config::AccessRule& rule, const Identity& identity) {
  using Kind = config::AccessRule::Kind;
  if (rule.kind == Kind::anyone) return {};
  if (rule.kind == Kind::nobody) return Failure(Error::forbidden, "nobody may do this");
  if (!identity.user) return Failure(Error::unauthenticated, "log in first");
  return Failure(Error::forbidden, "this user may not do this");
}

}  // namespace nacre::auth
