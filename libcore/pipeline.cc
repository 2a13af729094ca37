#include "pipeline.h"

#include "app/route.h"
#include "auth/identity.h"
#include "base/thrown.h"
#include "fiber/fiber.h"
#include "http/fields.h"
#include "http/problem.h"
#include "resource/actions.h"
#include "resource/reply.h"

namespace nacre {

namespace {

using route::Action;

constexpr std::string_view kPatchTypes = "application/merge-patch+json, application/json-patch+json";

/// Who may do it; what is not a resource's own action is open to all.
const config::AccessRule* access_rule(const http::Request& request, const route::Match& match) {
  const config::Access* const access = match.endpoint != nullptr ? &match.endpoint->resource->access : nullptr;
  switch (match.action) {
    case Action::list:
    case Action::read:
      return &access->read;
    case Action::create:
      return &access->create;
    case Action::replace:
      return resource::is_creation(request) ? &access->create : &access->update;
    case Action::update:
      return &access->update;
    case Action::remove:
      return &access->del;
    default:
      return nullptr;
  }
}

http::Response options(const route::Match& match) {
  http::Response response(204);
  response.add_static("Allow", match.allow);
  if (match.endpoint != nullptr) response.add_static("Accept-Patch", kPatchTypes);
  return response;
}

/// What a 415 would have been taken as. Accept-Encoding tells that it was for the coding, so it must not come with another
/// reason (RFC 9110 §12.5.3).
void add_accepted(const http::Request& request, const route::Match& match, http::Response& response) {
  if (http::has_content_coding(request)) {
    response.add_static("Accept-Encoding", "identity");
  } else if (match.action == Action::update) {
    response.add_static("Accept-Patch", kPatchTypes);
  } else if (match.endpoint != nullptr) {
    response.add_static("Accept", http::kJson);
  }
}

/// A handler's answer to a GET that has an ETag or a date is as conditional as a document. What a handler writes is its own
/// matter: only it knows what is there before.
Result<http::Response> run_handler(const resource::Call& call) {
  Result<http::Response> answer = app::run(call);
  const bool reads = call.request.method == http::Method::get || call.request.method == http::Method::head;
  if (answer && reads && answer->status == 200 && (!answer->etag.empty() || answer->last_modified)) {
    if (const auto judged = resource::judge(call, *answer); !judged) answer = judged.error();
  }
  return answer;
}

/// A fault that can't be told for want of memory has more to tell elsewhere.
void tell(Trace& trace, std::string_view fault) noexcept try {
  trace.fault = std::make_unique<std::string>(fault);
} catch (...) {
  trace.fault.reset();
}

Result<http::Response> act(const resource::Call& call) {
  switch (call.match.action) {
    case Action::create:
      return resource::create(call);
    case Action::replace:
      return resource::replace(call);
    case Action::update:
      return resource::update(call);
    case Action::remove:
      return resource::remove(call);
    default:
      return run_handler(call);
  }
}

// Not inlined: what they make would be on the stack of every request that waits.

[[gnu::noinline]] resource::Answer failed(const Failure& why) { return http::Response::failed(why); }

[[gnu::noinline]] resource::Answer thrown(const http::Request& request, bool debug, Trace& trace) noexcept {
  tell(trace, what_was_thrown());
  return http::problem_of_exception(request.id, debug);
}

[[gnu::noinline]] resource::Answer told(Result<http::Response>&& result) {
  if (result) return std::move(*result);
  return http::Response::failed(result.error());
}

}  // namespace

resource::Answer Pipeline::handle(const http::Request& request, const route::Match& match, Trace& trace) noexcept try {
  return answer(request, match, trace);
} catch (...) {
  return thrown(request, backend_.config.debug, trace);
}

/// Apart from `handle`: out of a function-try-block the answer would be moved.
resource::Answer Pipeline::answer(const http::Request& request, const route::Match& match, Trace& trace) {
  resource::Answer answer = find_answer(request, match, trace);
  if (!answer || !answer->failure) return answer;
  if (answer->failure->error == Error::internal) tell(trace, answer->failure->internal);
  answer.emplace(problem(request, match, *answer->failure));
  return answer;
}

http::Response Pipeline::problem(const http::Request& request, const route::Match& match, const Failure& failure) const {
  http::Response response = http::problem(failure, request.id, backend_.config.debug);
  if (response.status == 401) response.add_static("Vary", auth::kCredentialHeaders);
  if (response.status == 405) response.add_static("Allow", match.allow);
  if (response.status == 415) add_accepted(request, match, response);
  return response;
}

/// Clients that end every path with a slash learn what is meant.
Failure Pipeline::not_found(const http::Request& request) const {
  Failure failure(Error::not_found, "there is nothing at this path");
  auto path = request.path;
  if (path.size() < 2 || !path.ends_with('/')) return failure;
  path.remove_suffix(1);
  if (router_.match(request.method, path).action == Action::not_found) return failure;
  failure.detail.append("; did you mean ").append(request.mount).append(path).append("?");
  return failure;
}

resource::Answer Pipeline::find_answer(const http::Request& request, const route::Match& match, Trace& trace) {
  if (match.action == Action::not_found) return failed(not_found(request));
  if (match.action == Action::method_not_allowed)
    return failed(Failure(Error::method_not_allowed, "allowed: " + std::string(match.allow)));
  if (match.action == Action::options) return options(match);

  const bool reads = match.action == Action::list || match.action == Action::read;
  const bool may_be_cached = reads && match.endpoint->resource->cache.on && backend_.cache.is_local();
  if (!may_be_cached && !fiber::on_fiber()) return std::nullopt;
  auth::Identity identity;
  if (request.credential) {
    auto identified = auth::identify(request);
    if (!identified) return failed(identified.error());
    identity = std::move(*identified);
  }
  if (match.action == Action::needs_user) return failed(Failure(Error::unauthenticated, "log in first"));
  if (const auto* rule = access_rule(request, match); rule != nullptr && rule->kind != config::AccessRule::Kind::anyone) {
    if (auto allowed = auth::authorize(*rule, identity); !allowed) return failed(allowed.error());
  }

  const resource::Call call{request, match, identity, backend_, trace};
  switch (match.action) {
    case Action::list:
      return resource::list(call);
    case Action::read:
      return resource::read(call);
    default:
      return told(act(call));
  }
}

}  // namespace nacre
