#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/dial.h"
#include "net/tls.h"

namespace nacre::redis {

struct Credentials {
  std::string user{};  ///< of an ACL; empty: the default user
  std::string password{};
};

/// Where Redis is, and how it is entered: a URI, read.
struct Target {
  enum class Kind : std::uint8_t { server, sentinel, cluster };

  Kind kind = Kind::server;
  std::vector<net::Endpoint> endpoints{};  ///< the server; or the Sentinels; or nodes of the cluster to begin with
  std::string master{};                    ///< what the Sentinels call it
  Credentials credentials{};
  Credentials sentinel_credentials{};
  std::uint32_t database = 0;
  std::string probe = "nacre:handshake";  ///< a key that is never there, which the user may write: not in the URI
  std::shared_ptr<const net::Tls> tls{};  ///< of all connections, those to Sentinels included
};

/// Reads a URI, and the files that it names (relative ones below `prefix`):
///
///     redis://[user[:password]@]host[:port][/db]            rediss://… over TLS
///     redis+unix://[user[:password]@]/path?db=N
///     redis+sentinel://[user[:password]@]h1[:port],h2[:port]/name[/db]?sentinel_user=…&sentinel_password=…
///     redis+cluster://[user[:password]@]h1[:port],h2[:port]
///
/// A lone `password@` without a user is written `:password@`. Parts are percent-encoded. Options of TLS: `tls=true` (Sentinel,
/// Cluster), `ca_file`, `cert_file`, `key_file`, `key_password`, `verify=full|ca|none`.
/// Error::bad_request: `detail` is what is wrong, `internal` what is allowed. Neither holds anything of the URI but the names
/// of files.
Result<Target> read_target(std::string_view uri, const std::filesystem::path& prefix);

}  // namespace nacre::redis
