#include "describe/operation.h"

#include <algorithm>
#include <array>

namespace nacre::describe {
namespace {

using config::Access;

constexpr std::string_view kListParameters =
    "where,sort,fields,limit,after,count,If-Match,If-None-Match.read,If-Modified-Since,If-Unmodified-Since";
constexpr std::string_view kReadParameters = "fields,If-Match,If-None-Match.read,If-Modified-Since,If-Unmodified-Since";
constexpr std::string_view kCreateParameters = "Idempotency-Key,Prefer,If-Match,If-None-Match,If-Unmodified-Since";
constexpr std::string_view kChangeParameters = "Prefer,If-Match,If-None-Match,If-Unmodified-Since";
constexpr std::string_view kDeleteParameters = "If-Match,If-None-Match,If-Unmodified-Since";

constexpr std::string_view kListFailures = "400,401,403,412,414,429,503,504";
constexpr std::string_view kReadFailures = "400,401,403,404,412,414,429,503,504";
constexpr std::string_view kCreateFailures = "400,401,403,409,412,413,415,422,429,503,504";
constexpr std::string_view kChangeFailures = "400,401,403,404,409,412,413,415,422,429,503,504";
constexpr std::string_view kDeleteFailures = "400,401,403,404,412,429,503,504";

constexpr std::array<Operation, 10> kOperations{{
    {"list", "get", false, &Access::read, "List documents", "200,304", kListFailures, kListParameters},
    {"list", "head", false, &Access::read, "The headers of the list", "200,304", kListFailures, kListParameters},
    {"create", "post", false, &Access::create, "Create a document, or up to 1,000: all or none", "201", kCreateFailures,
     kCreateParameters},
    {"options", "options", false, nullptr, "The methods of the list", "204", "429", ""},
    {"read", "get", true, &Access::read, "Read a document", "200,304", kReadFailures, kReadParameters},
    {"read", "head", true, &Access::read, "The headers of a document", "200,304", kReadFailures, kReadParameters},
    {"replace", "put", true, &Access::update, "Replace a document; with `If-None-Match: *` create it", "200,201,204",
     kChangeFailures, kChangeParameters},
    {"update", "patch", true, &Access::update, "Change parts of a document", "200,204", kChangeFailures, kChangeParameters},
    {"delete", "delete", true, &Access::del, "Delete a document", "204", kDeleteFailures, kDeleteParameters},
    {"options", "options", true, nullptr, "The methods of a document", "204", "404,429", ""},
}};

constexpr std::array<Problem, 16> kProblems{{
    {"400", "Bad Request",
     "Not JSON, a duplicate name, invalid UTF-8, a depth over 64, or a bad "
     "parameter."},
    {"401", "Unauthorized", "No credential, or one that is not valid."},
    {"403", "Forbidden", "The credential does not allow it."},
    {"404", "Not Found", "There is no such document, or it is another user's."},
    {"405", "Method Not Allowed", "`Allow` names the methods that there are."},
    {"409", "Conflict",
     "A unique index, a failed `test` of a JSON Patch, or the first request "
     "with this Idempotency-Key still runs."},
    {"412", "Precondition Failed", "A precondition (RFC 9110 §13) does not hold, or `_rev` is another one by now."},
    {"413", "Content Too Large", "The body is too large."},
    {"414", "URI Too Long", "The query is longer than the server takes."},
    {"415", "Unsupported Media Type", "The body's Content-Type is not one that the request takes."},
    {"422", "Unprocessable Content",
     "The body fails the schema (`errors` names the places), or the "
     "Idempotency-Key was used for another body."},
    {"429", "Too Many Requests", "Over the limit. `Retry-After` says when to come back."},
    {"500", "Internal Server Error", "A defect."},
    {"502", "Bad Gateway", "nginx could not get an answer."},
    {"503", "Service Unavailable",
     "Store or cache are away, or a queue is full. `Retry-After` says when to "
     "come back."},
    {"504", "Gateway Timeout", "The answer was not there in time."},
}};

}  // namespace

std::span<const Operation> operations() noexcept { return kOperations; }

bool is_offered(const config::Resource& resource, const Operation& operation) noexcept {
  const auto& access = resource.access;
  const auto anybody = [&](config::AccessRule Access::*rule) {
    return (access.*rule).kind != config::AccessRule::Kind::nobody;
  };
  if (operation.access == nullptr) return true;
  return anybody(operation.access) || (operation.method == "put" && anybody(&Access::create));
}

std::string who(const config::AccessRule& rule) {
  using Kind = config::AccessRule::Kind;
  switch (rule.kind) {
    case Kind::anyone:
      return "anybody";
    case Kind::user:
      return "signed-in users";
    case Kind::owner:
      return "the owner, and administrators";
    case Kind::role:
      return "users of role " + rule.role;
    case Kind::nobody:
      break;
  }
  return "nobody";
}

std::span<const Problem> problems() noexcept { return kProblems; }

std::vector<std::string_view> path_parameters(std::string_view path) {
  std::vector<std::string_view> names;
  for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    const auto close = path.find('}', open);
    if (close == std::string_view::npos) break;
    names.push_back(path.substr(open + 1, close - open - 1));
  }
  return names;
}

std::string_view method_name(http::Method method) noexcept {
  constexpr std::array<std::string_view, 8> kNames{"get", "head", "post", "put", "patch", "delete", "options", "trace"};
  return kNames.at(static_cast<std::size_t>(method));
}

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < list.size();) {
    const auto end = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace nacre::describe
