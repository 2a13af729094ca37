#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "http/conditional.h"
#include "store/store.h"

/// What a request asks of the document that it is about to change.
namespace nacre::resource {

/// Whether a document is in a state that the request's headers ask for, and at the revision that its body names, if any.
Result<void> judge(const http::Preconditions& asked, std::optional<std::int64_t> rev, const store::Document& current);

/// The same, for the store to decide where it writes.
store::Precondition precondition(const http::Preconditions& asked, std::optional<std::int64_t> rev);

/// A write's failure, where a document that is missing fails an If-Match (RFC 9110 §13.1.1): whoever asks for a state that was
/// there learns that it is gone, as another state would be told.
Failure missed(const http::Preconditions& asked, const Failure& failure);

}  // namespace nacre::resource
