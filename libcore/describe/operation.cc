#include "describe/operation.h"

#include <algorithm>
#include <array>

namespace nacre::describe {
namespace {

using config::Access;

constexpr std::array<Operation, 8> kOperations{{
    {"list", "get", false, &Access::read, "List documents", "200,304", "400,401,403,429,503,504",
     "where,sort,fields,limit,after,count,If-None-Match"},
    {"list", "head", false, &Access::read, "The headers of the list", "200,304", "400,401,403,429,503,504",
     "where,sort,fields,limit,after,count,If-None-Match"},
    {"create", "post", false, &Access::create, "Create a document, or up to 1,000: all or none", "201",
     "400,401,403,409,413,415,422,429,503,504", "Idempotency-Key,Prefer"},
    {"read", "get", true, &Access::read, "Read a document", "200,304", "400,401,403,404,429,503,504", "If-None-Match"},
    {"read", "head", true, &Access::read, "The headers of a document", "200,304", "400,401,403,404,429,503,504",
     "If-None-Match"},
    {"replace", "put", true, &Access::update, "Replace a document; with `If-None-Match: *` create it", "200,201,204",
     "400,401,403,404,409,412,413,415,422,429,503,504", "If-Match,If-None-Match,Prefer"},
    {"update", "patch", true, &Access::update, "Change parts of a document", "200,204",
     "400,401,403,404,409,412,413,415,422,429,503,504", "If-Match,Prefer"},
    {"remove", "delete", true, &Access::del, "Delete a document", "204", "400,401,403,404,412,429,503,504", "If-Match"},
}};

constexpr std::array<Problem, 15> kProblems{{
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
    {"412", "Precondition Failed", "`If-Match` or `If-None-Match` does not hold."},
    {"413", "Content Too Large", "The body is too large."},
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
  return (resource.access.*operation.access).kind != config::AccessRule::Kind::nobody;
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
