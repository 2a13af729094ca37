#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/time.h"

namespace nacre::mongo {

/// Which members of a deployment gave no answer when they were asked: for a while nobody waits for them again. Refusals cost no
/// time, and are not remembered. Of a worker, for all of its connecting threads.
class Members {
 public:
  bool is_silent(const std::string& address) const;
  void note_silent(const std::string& address);
  void note_answer(const std::string& address);
  /// Nobody answered at all: the network may have been away, not they.
  void forget();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Monotonic> silent_until_;
};

}  // namespace nacre::mongo
