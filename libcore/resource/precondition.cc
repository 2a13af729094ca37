#include "resource/precondition.h"

namespace nacre::resource {

Result<void> judge(const http::Preconditions& asked, std::optional<std::int64_t> rev, const store::Document& current) {
  if (!asked.none()) {
    const auto outcome = asked.judge(http::entity_tag(current.json), current.updated);
    if (!outcome) return outcome.error();
  }
  if (!rev || *rev == current.rev) return {};
  Failure failure(Error::precondition_failed, "the document is at another _rev by now");
  failure.errors.push_back({"/_rev", "is another one by now"});
  return failure;
}

store::Precondition precondition(const http::Preconditions& asked, std::optional<std::int64_t> rev) {
  if (asked.none() && !rev) return {};
  return {.judge = [asked, rev](const store::Document& current) { return judge(asked, rev, current); }};
}

Failure missed(const http::Preconditions& asked, const Failure& failure) {
  if (failure.error != Error::not_found || !asked.wants_one()) return failure;
  return {Error::precondition_failed, "If-Match: there is no such document any more"};
}

}  // namespace nacre::resource
