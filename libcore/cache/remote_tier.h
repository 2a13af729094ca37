#pragma once

#include <cstdint>
#include <optional>
#include <span>
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

  struct Found {
    Entry entry;
    Milliseconds age{};  ///< since it was filled
  };

  /// What a look gave, and what a fill after it may do: so a reader of the store can't put back what a writer just replaced.
  struct Look {
    enum class Fill : std::uint8_t {
      none,    ///< a write was a moment ago
      absent,  ///< if there is still nothing
      other,   ///< over what is there, unless a write was meanwhile
    };
    std::optional<Found> found{};
    Fill fill = Fill::none;
    std::uint64_t generation = 0;  ///< of the subject, for lists
  };

  /// Error::unavailable and the like where the tier is away; also Error::cancelled and Error::deadline of the fiber.
  virtual Result<Look> find(const Key& key) = 0;

  /// Stores what was read from the store after `look`. Does not wait for it.
  virtual void fill(const Key& key, const Look& look, const Entry& entry, const config::CachePolicy& policy) = 0;

  /// Ends a resource's lists, and these documents, on all hosts; waits until that is done. Where the tier is away it is
  /// remembered, and done before anything of it is found again.
  virtual void invalidate(std::string_view resource, std::span<const std::string_view> ids) = 0;
};

}  // namespace nacre::cache
