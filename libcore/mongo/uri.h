#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "net/tls.h"

namespace nacre::mongo {

/// Which member of a replica set reads are from, by its name in MongoDB.
struct ReadPreference {
  std::string mode = "primary";
  std::vector<std::vector<std::pair<std::string, std::string>>> tags{};  ///< sets, the preferred first
  std::optional<Seconds> max_staleness{};

  bool is_primary() const noexcept { return mode == "primary"; }
};

struct WriteConcern {
  std::string tag = "majority";  ///< `majority`, or a name of the replica set's configuration; empty: `count` members
  std::int32_t count = 1;
  std::optional<bool> journal{};
  Milliseconds timeout{};  ///< 0: none
};

/// A `mongodb:` or `mongodb+srv:` URI, taken apart: what is Nacre's to honour, and what is passed to libmongoc. Secrets
/// included: never printed.
///
/// Options: https://www.mongodb.com/docs/manual/reference/connection-string-options/
struct Uri {
  std::string driver;  ///< the URI without the options that libmongoc has nothing to do with
  std::string database = "test";
  bool has_user = false;  ///< the URI names one
  bool x509 = false;
  std::string x509_user{};  ///< the certificate's subject, where the URI names no user
  ReadPreference read_preference{};
  WriteConcern write_concern{};
  std::string read_concern;  ///< a level; empty: the server's default
  bool retry_reads = true;
  bool retry_writes = true;
  bool direct = false;                ///< no server but the one that is named; else all that belong to it are found
  std::size_t max_connections = 100;  ///< maxPoolSize: of one worker to the primary, and as many to those that are read from
  std::size_t min_connections = 1;    ///< minPoolSize: opened at once, and kept
  std::size_t max_connecting = 2;     ///< opened at the same time
  Milliseconds max_idle_time{};       ///< maxIdleTimeMS: then those beyond minPoolSize are closed; 0: never
  Milliseconds wait_queue_timeout{};  ///< for a connection; 0: as long as the request may take
  Milliseconds connect_timeout{2'000};
  Milliseconds heartbeat{10'000};    ///< heartbeatFrequencyMS: after which the members that may be read from are asked anew
  Milliseconds local_threshold{15};  ///< localThresholdMS: how much slower than the nearest of them others may be
  Milliseconds server_selection_timeout{10'000};  ///< how long requests wait for a server before they fail at once
  Milliseconds socket_timeout{};  ///< without a byte while a reply is due; 0: the time that a call may take, and a little
  bool tls = false;
  net::TlsOptions tls_options{};
};

/// Error::internal, whose detail says what is wrong and what is allowed, and never repeats a value. Every option is honoured or
/// refused.
Result<Uri> parse_uri(std::string_view text);

}  // namespace nacre::mongo
