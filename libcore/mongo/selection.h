#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "mongo/uri.h"

namespace nacre::mongo {

/// A server of a deployment, by its last answer to `hello`.
struct Member {
  enum class Kind : std::uint8_t {
    silent,  ///< it gave no answer
    other,   ///< not to be read from: it recovers, is an arbiter …
    primary,
    secondary,
    router,  ///< or a server that is no member of a replica set: there is no other choice
  };

  std::string address;  ///< host:port
  Kind kind = Kind::silent;
  std::vector<std::pair<std::string, std::string>> tags{};
  Milliseconds asked{};       ///< when, by a clock of this host
  Milliseconds written{};     ///< `lastWriteDate`
  Milliseconds round_trip{};  ///< averaged
};

/// The addresses of those that a read preference means and that are no more than `threshold` slower to answer than the nearest
/// of them. `heartbeat`: how often they are asked.
/// https://github.com/mongodb/specifications/blob/master/source/server-selection/server-selection.md
/// https://github.com/mongodb/specifications/blob/master/source/max-staleness/max-staleness.md
std::vector<std::string> select(const std::vector<Member>& members, const ReadPreference& preference, Milliseconds threshold,
                                Milliseconds heartbeat);

}  // namespace nacre::mongo
