#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"

namespace nacre::mongo {

/// Which election made a member the primary of its replica set.
struct Election {
  std::string id{};               ///< electionId: 12 bytes, of which later elections have greater ones; empty: not told
  std::int64_t set_version = -1;  ///< setVersion, of the set's configuration; -1: not told
  std::int64_t wire_version = 0;  ///< of the server: from 17 on the election counts before the configuration
};

/// What is known of a deployment's members from the last time they were asked. Of a worker, for all of its connecting threads.
class Members {
 public:
  /// It gave no answer when it was asked: for a while nobody waits for it again. Refusals cost no time, and are not remembered.
  bool is_silent(const std::string& address) const;
  void note_silent(const std::string& address);
  void note_answer(const std::string& address);
  /// Nobody answered at all: the network may have been away, not they.
  void forget();

  /// The primary of a replica set that was connected to last, as host:port; empty when none was, or it is silent.
  std::string primary() const;
  void note_primary(const std::string& address);

  enum class Claim : std::uint8_t { first, current, stale };
  /// A member calls itself the primary. A stale one was followed by another, and does not know it yet: it is none.
  /// https://github.com/mongodb/specifications/blob/master/source/server-discovery-and-monitoring/server-discovery-and-monitoring.md
  Claim note_claim(const Election& election);
  bool is_stale(const Election& election) const;

  /// Where to connect to for what is read by the URI's read preference: one after another of those that a Monitor found last;
  /// empty when it found none, or that one is silent.
  std::string next_reader();
  void note_readers(std::vector<std::string> addresses);

 private:
  bool is_silent_now(const std::string& address) const;
  bool is_before_last(const Election& election) const;

  mutable std::mutex mutex_;
  std::map<std::string, Monotonic> silent_until_;
  std::string primary_;
  Election last_;  // of all that members claimed
  std::vector<std::string> readers_;
  std::size_t turn_ = 0;
};

}  // namespace nacre::mongo
