#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "mongo/bson_reader.h"

namespace nacre::mongo {

/// An error that a server gave instead of, or beside, what was asked for.
/// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
struct ServerError {
  std::int32_t code = 0;
  std::string message;
  bool retryable_write = false;        ///< label RetryableWriteError
  bool transient_transaction = false;  ///< label TransientTransactionError
  bool unknown_commit = false;         ///< label UnknownTransactionCommitResult
  std::string key_pattern;             ///< of a broken unique index: a BSON document, or empty
  std::int64_t index = 0;              ///< of the statement that failed

  /// It is no primary any more, or not yet, or about to end: another server is to be asked.
  bool is_state_change() const noexcept;
  /// A read may be tried again (retryable reads specification).
  bool is_retryable_read() const noexcept;
  /// A write that carries a transaction number may be (retryable writes specification).
  bool is_retryable_write() const noexcept;
  /// It is given again until somebody sees to the server, its users or the URI.
  bool is_lasting() const noexcept;
  /// It does not know the cluster's time that it was told: it is of a deployment that was made anew, or has other keys.
  bool is_of_unknown_time() const noexcept;
  bool is_duplicate_key() const noexcept { return code == 11000 || code == 11001 || code == 12582; }

  /// The server refused before it changed anything; after another error it may have.
  bool is_refusal() const noexcept;

  /// What a request is told.
  Failure failure() const;
};

/// What all replies have in common, found in one walk over the document, which must outlive it.
struct ReplyView {
  bool ok = false;
  std::string_view cursor{};           ///< a document, or empty
  std::optional<BsonElement> value{};  ///< of findAndModify
  std::int64_t n = 0;                  ///< documents that a write met
  std::string_view cluster_time{};     ///< `$clusterTime`: a document, or empty
  std::uint64_t operation_time = 0;    ///< as of BSON's timestamps; 0: the server has none

  /// Error::unavailable for what is no BSON document.
  static Result<ReplyView> read(std::string_view document);

  /// What went wrong: the command, its first failed statement, or its write concern.
  std::optional<ServerError> error() const;

 private:
  std::int32_t code_ = 0;
  std::string_view message_{};
  std::string_view labels_{};
  std::string_view key_pattern_{};
  std::string_view write_errors_{};
  std::string_view write_concern_error_{};
};

/// The database gave bytes that are none of its protocol's, or lacks what it must have.
Failure malformed();

/// The failure of a command that no server could be asked.
Failure away(std::string why);

}  // namespace nacre::mongo
