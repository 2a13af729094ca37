#include "mongo/reply.h"

#include <algorithm>
#include <array>

namespace nacre::mongo {
namespace {

// NOLINTBEGIN(readability-identifier-naming): MongoDB's names.
enum Code : std::int32_t {
  HostUnreachable = 6,
  HostNotFound = 7,
  Unauthorized = 13,
  AuthenticationFailed = 18,
  LockTimeout = 24,
  CursorNotFound = 43,
  MaxTimeMSExpired = 50,
  StaleShardVersion = 63,
  WriteConcernTimeout = 64,
  UnknownReplWriteConcern = 79,
  NetworkTimeout = 89,
  ShutdownInProgress = 91,
  UnsatisfiableWriteConcern = 100,
  WriteConflict = 112,
  DocumentValidationFailure = 121,
  FailedToSatisfyReadPreference = 133,
  ReadConcernMajorityNotAvailableYet = 134,
  CannotIndexParallelArrays = 171,
  QueryPlanKilled = 175,
  PrimarySteppedDown = 189,
  NetworkInterfaceExceededTimeLimit = 202,
  TimeProofMismatch = 205,
  KeyNotFound = 211,
  SnapshotUnavailable = 246,
  TooManyLogicalSessions = 261,
  ExceededTimeLimit = 262,
  TransactionExceededLifetimeLimitSeconds = 290,
  TemporarilyUnavailable = 365,
  IngressRequestRateLimitExceeded = 462,
  AtlasError = 8000,
  SocketException = 9001,
  LegacyNotPrimary = 10058,
  NotWritablePrimary = 10107,
  BSONObjectTooLarge = 10334,
  InterruptedAtShutdown = 11600,
  Interrupted = 11601,
  InterruptedDueToReplStateChange = 11602,
  NotPrimaryNoSecondaryOk = 13435,
  StaleConfig = 13388,
  NotPrimaryOrSecondary = 13436,
  OutOfDiskSpace = 14031,
  DocumentTooLargeInUpdate = 17419,
  DocumentTooLargeInReplacement = 17420,
};
// NOLINTEND(readability-identifier-naming)

constexpr std::array<std::int32_t, 8> kStateChanges{ShutdownInProgress,      PrimarySteppedDown,
                                                    LegacyNotPrimary,        NotWritablePrimary,
                                                    InterruptedAtShutdown,   InterruptedDueToReplStateChange,
                                                    NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary};
constexpr std::array<std::int32_t, 5> kTransient{HostUnreachable, HostNotFound, NetworkTimeout, ExceededTimeLimit,
                                                 SocketException};

/// Nothing was written.
constexpr std::array<std::int32_t, 10> kRefusals{Unauthorized,         DocumentValidationFailure, CannotIndexParallelArrays,
                                                 BSONObjectTooLarge,   DocumentTooLargeInUpdate,  DocumentTooLargeInReplacement,
                                                 LegacyNotPrimary,     NotWritablePrimary,        NotPrimaryNoSecondaryOk,
                                                 NotPrimaryOrSecondary};
/// Over in a moment, or by trying the whole request again.
constexpr std::array<std::int32_t, 10> kPassing{LockTimeout,         CursorNotFound,
                                                StaleShardVersion,   WriteConflict,
                                                QueryPlanKilled,     NetworkInterfaceExceededTimeLimit,
                                                SnapshotUnavailable, TransactionExceededLifetimeLimitSeconds,
                                                Interrupted,         StaleConfig};
/// Over when somebody sees to it.
constexpr std::array<std::int32_t, 12> kLasting{Unauthorized,
                                                AuthenticationFailed,
                                                WriteConcernTimeout,
                                                UnknownReplWriteConcern,
                                                UnsatisfiableWriteConcern,
                                                FailedToSatisfyReadPreference,
                                                KeyNotFound,
                                                TooManyLogicalSessions,
                                                TemporarilyUnavailable,
                                                IngressRequestRateLimitExceeded,
                                                AtlasError,
                                                OutOfDiskSpace};

template <std::size_t N>
bool is_in(const std::array<std::int32_t, N>& codes, std::int32_t code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

void read_labels(std::string_view labels, ServerError& error) {
  BsonReader reader(labels);
  BsonElement label;
  while (reader.next(label)) {
    if (!label.is_text()) continue;
    error.retryable_write |= label.text() == "RetryableWriteError";
    error.transient_transaction |= label.text() == "TransientTransactionError";
    error.unknown_commit |= label.text() == "UnknownTransactionCommitResult";
  }
}

/// `code`, `errmsg`, `keyPattern`, `index`, as replies and the errors of their statements have them.
void read_details(std::string_view document, ServerError& error) {
  BsonReader reader(document);
  BsonElement element;
  while (reader.next(element)) {
    if (element.name == "code" && element.is_number()) error.code = element.whole<std::int32_t>().value_or(0);
    if (element.name == "errmsg" && element.is_text()) error.message = element.text();
    if (element.name == "keyPattern" && element.is_document()) error.key_pattern = element.document();
    if (element.name == "index" && element.is_integer()) error.index = element.integer();
    if (element.name == "errorLabels" && element.is_document()) read_labels(element.document(), error);
  }
}

Failure with_reason(Error error, std::string detail, const ServerError& server) {
  Failure failure(error, std::move(detail));
  failure.internal = server.message + " (" + std::to_string(server.code) + ")";
  return failure;
}

}  // namespace

bool ServerError::is_state_change() const noexcept { return is_in(kStateChanges, code); }

bool ServerError::is_retryable_read() const noexcept {
  return is_state_change() || is_in(kTransient, code) || code == ReadConcernMajorityNotAvailableYet;
}

bool ServerError::is_retryable_write() const noexcept {
  return retryable_write || is_state_change() || is_in(kTransient, code);
}

bool ServerError::is_refusal() const noexcept { return is_duplicate_key() || is_in(kRefusals, code); }
bool ServerError::is_of_unknown_time() const noexcept { return code == KeyNotFound || code == TimeProofMismatch; }
bool ServerError::is_lasting() const noexcept { return is_in(kLasting, code); }

Failure ServerError::failure() const {
  switch (code) {
    case MaxTimeMSExpired:
      return with_reason(Error::deadline, "the store did not answer in time", *this);
    case BSONObjectTooLarge:
    case DocumentTooLargeInUpdate:
    case DocumentTooLargeInReplacement:
      return with_reason(Error::too_large, "the document is too large for the store", *this);
    case DocumentValidationFailure:
    case CannotIndexParallelArrays:
      return with_reason(Error::unprocessable, "the store does not take this document", *this);
    default:
      break;
  }
  if (is_duplicate_key()) return with_reason(Error::conflict, "another document is in the way", *this);
  const bool away =
      is_retryable_read() || is_retryable_write() || transient_transaction || is_in(kPassing, code) || is_lasting();
  return with_reason(away ? Error::unavailable : Error::internal, away ? "the store is away" : "", *this);
}

Result<ReplyView> ReplyView::read(std::string_view document) {
  ReplyView view;
  BsonReader reader(document);
  BsonElement element;
  while (reader.next(element)) {
    const std::string_view name = element.name;
    if (name == "ok") {
      view.ok = element.is_true();
    } else if (name == "cursor" && element.type == BsonType::document) {
      view.cursor = element.document();
    } else if (name == "value") {
      view.value = element;
    } else if (name == "n" && element.is_number()) {
      view.n = element.whole<std::int64_t>().value_or(0);
    } else if (name == "code" && element.is_number()) {
      view.code_ = element.whole<std::int32_t>().value_or(0);
    } else if (name == "errmsg" && element.is_text()) {
      view.message_ = element.text();
    } else if (name == "errorLabels" && element.is_document()) {
      view.labels_ = element.document();
    } else if (name == "keyPattern" && element.is_document()) {
      view.key_pattern_ = element.document();
    } else if (name == "writeErrors" && element.is_document()) {
      view.write_errors_ = element.document();
    } else if (name == "operationTime" && element.type == BsonType::timestamp) {
      view.operation_time = element.timestamp();
    } else if (name == "$clusterTime" && element.type == BsonType::document) {
      view.cluster_time = element.document();
    } else if (name == "writeConcernError" && element.is_document()) {
      view.write_concern_error_ = element.document();
    }
  }
  if (reader.failed()) return malformed();
  return view;
}

std::optional<ServerError> ReplyView::error() const {
  if (ok && write_errors_.empty() && write_concern_error_.empty()) return std::nullopt;
  ServerError error;
  if (!labels_.empty()) read_labels(labels_, error);
  if (!ok) {
    error.code = code_;
    error.message = message_;
    error.key_pattern = key_pattern_;
    return error;
  }
  BsonReader reader(write_errors_);
  BsonElement first;
  if (!write_errors_.empty() && reader.next(first) && first.is_document()) {
    read_details(first.document(), error);
  } else if (!write_concern_error_.empty()) {
    read_details(write_concern_error_, error);
  } else {
    return std::nullopt;
  }
  return error;
}

Failure malformed() {
  Failure failure(Error::unavailable, "the store is away");
  failure.internal = "the database's answer is malformed";
  return failure;
}

Failure away(std::string why) {
  Failure failure(Error::unavailable, "the store is away");
  failure.internal = std::move(why);
  return failure;
}

}  // namespace nacre::mongo
