#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "mongo/bson_writer.h"

namespace nacre::mongo {

/// A server's session: what makes a write known when it comes a second time. One operation at a time uses it.
/// https://github.com/mongodb/specifications/blob/master/source/sessions/driver-sessions.md
struct Session {
  std::array<char, 16> id{};
  std::int64_t transaction = 0;  ///< the number of its last write or transaction
  Monotonic used{};

  void write_id(BsonWriter& bson) const {
    bson.document("lsid", [&] { bson.uuid("id", id); });
  }
};

/// The session of what is done once, whoever does it: of its name, and with a number that grows with time. A server ends what
/// it has of an earlier transaction in a session when it sees a later one: one that a killed process left behind, too.
Session session_of(std::string_view name);

/// Sessions that are free. One whose last operation has no known end is not given back.
class Sessions {
 public:
  /// With a number that no operation had. Servers forget a session after 30 minutes without use.
  Session take(Monotonic now);
  void give_back(const Session& session, Monotonic now);

 private:
  std::vector<Session> free_;  // the one that was used last is the last
};

}  // namespace nacre::mongo
