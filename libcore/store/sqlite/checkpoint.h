#pragma once

#include <memory>

#include "store/sqlite/lane.h"

namespace nacre::store::sqlite {

/// Works a long log off into the file, on a connection and a thread of its own: no write waits for that. Loop's thread only.
class Checkpoint : public std::enable_shared_from_this<Checkpoint> {
 public:
  explicit Checkpoint(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}

  /// After writes, with the pages that the log has then.
  void written(int log_pages);

 private:
  class Step;

  void took();

  const std::shared_ptr<Queue> queue_;
  bool under_way_ = false;
  bool again_ = false;  // the log was long while the last one was under way
};

}  // namespace nacre::store::sqlite
