#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/last_write.h"
#include "base/log.h"
#include "fiber/reactor.h"
#include "mongo/client.h"
#include "store/store.h"

namespace nacre::store {

struct MongoOptions {
  mongo::Target target{};
  Milliseconds timeout{2'000};  ///< `timeouts.store`: bounds each call
  Written written{};
  Log log{};                                                ///< for operators
  std::function<void(std::chrono::nanoseconds)> on_wait{};  ///< an operation waited for a connection
  std::function<void()> on_stale{};                         ///< what was read lately may be from before acknowledged writes
  Turn turn{};                                              ///< to make indexes
  std::function<bool(std::string_view what)> is_first{};    ///< of the host's workers to do `what` within a minute; on the loop
  std::function<void(std::string_view what)> forget{};      ///< as if none had done it
  Milliseconds look_again{60'000};                          ///< whether collections and indexes are there still
  std::string generation{};                                 ///< of the configuration; workers that share it are of one reading
  Timestamp read{};                                         ///< when that was
  LastWrite* last_write = nullptr;                          ///< of the host, for its workers to read what the others wrote
};

/// Documents in MongoDB: a resource is the collection of its name. One store for each worker, made after fork.
///
/// A single document's write is one command, which the server applies once however often it is tried. Several documents, or a
/// remembered value beside them, are a transaction where the server has them. One that is no member of a replica set has none:
/// there, documents that were inserted before one that can't be are deleted again, and a worker's death in between leaves them.
///
/// Where it differs from SQLite: ids of 24 lower-case hex digits come after all others, for they are ObjectIds.
std::unique_ptr<Store> open_mongo(Reactor& reactor, MongoOptions options);

}  // namespace nacre::store
