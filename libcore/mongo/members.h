#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/time.h"

namespace nacre::mongo {

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

 private:
  bool is_silent_now(const std::string& address) const;

  mutable std::mutex mutex_;
  std::map<std::string, Monotonic> silent_until_;
  std::string primary_;
};

}  // namespace nacre::mongo
