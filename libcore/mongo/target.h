#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "mongo/members.h"
#include "mongo/uri.h"
#include "net/tls.h"

namespace nacre::mongo {

/// What connections are made from: read and checked once, when the configuration is loaded.
struct Target {
  std::shared_ptr<const Uri> uri;
  std::shared_ptr<const net::Tls> tls;                             ///< nullptr: plain
  std::shared_ptr<Members> members = std::make_shared<Members>();  ///< of each process its own, for they fork
  std::string only{};  ///< the server of the deployment that may be connected to, as host:port; empty: whichever has the role

  /// Reads what the URI names: certificates, whose relative paths are below `prefix`. Error::internal, whose detail never holds
  /// a secret.
  static Result<Target> make(std::string_view uri, const std::filesystem::path& prefix);
};

}  // namespace nacre::mongo
