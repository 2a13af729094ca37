#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "cache/key.h"
#include "cache/zone.h"
#include "config/config.h"

namespace nacre::cache {

/// The cache that all hosts share ("remote"), behind the zone of each host. What fails in it never fails a request: it is as if
/// nothing were there. All on fibers.
class RemoteTier {
 public:
  virtual ~RemoteTier() = default;

  /// What a look gave, and what a fill after it may do: so a reader of the store can't put back what a writer just replaced.
  struct Look {
    enum class Fill : std::uint8_t {
      none,    ///< somebody else's is to come, or the tier is away
      absent,  ///< nothing is there: see `reserve`
      over,    ///< in place of what was seen, as long as that stands there
    };
    std::optional<Milliseconds> age{};  ///< of what was found, since it was filled; nullopt: nothing was
    Fill fill = Fill::none;
    std::uint64_t epoch = 0;
    std::uint64_t number = 0;  ///< of what was seen: for a list, the generation of its resource's lists
  };

  /// Puts what is found into `entry`, which else may hold anything then. Error::unavailable and the like where the tier is away
  /// or not to be trusted; also Error::cancelled and Error::deadline of the fiber.
  virtual Result<Look> find(const Key& key, Entry& entry) = 0;

  /// Before the store is read for a fill: where nothing is, a place is kept for it, which a write takes away.
  virtual void reserve(const Key& key, Look& look) = 0;

  /// Stores what was read from the store after `look`. Does not wait for it.
  virtual void fill(const Key& key, const Look& look, const Entry& entry, const config::CachePolicy& policy) = 0;
};

}  // namespace nacre::cache
