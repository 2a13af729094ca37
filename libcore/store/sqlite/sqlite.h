#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "fiber/reactor.h"
#include "store/store.h"

namespace nacre::store {

struct SqliteOptions {
  std::string path{};                ///< of the database file; its folder must exist
  std::string synchronous = "FULL";  ///< FULL: what is answered survives a power cut; NORMAL, OFF: see SQLite
  Milliseconds timeout{2'000};       ///< `timeouts.store`: bounds each call
  Written written{};
  Log log{};                        ///< for operators
  unsigned list_lanes = 2;          ///< connections for lists, beside one for single documents and one for writes
  std::size_t queue_limit = 4'096;  ///< calls that may wait for each kind of connection
  std::int64_t max_pages = 0;       ///< of the file; 0: no limit but the disk's
  std::string generation{};         ///< Config::reading; "": one of its own
  Timestamp read{};                 ///< when that was
  Milliseconds step{8};             ///< of making an index of a large table: for so long other writes wait
  Milliseconds pause{2};            ///< between two steps
};

/// Options from a `sqlite:PATH` or `sqlite:PATH?synchronous=normal`. Error::internal, whose detail says what is wrong.
Result<SqliteOptions> parse_sqlite_uri(std::string_view uri);

/// The embedded store: documents as JSON text in an SQLite file, which all workers of the host share (WAL). SQLite runs on the
/// reactor's threads: what waits together for one connection goes there together, reads in one snapshot, writes in one commit.
/// A single document that is in memory is read on the loop (see LoopReads). One store for each worker, made after fork.
///
/// What a new configuration asks for is made beside reads and writes, and no write waits for it: see Blueprint.
///
/// Where it differs from MongoDB: documents are ordered by `_id` as strings.
std::unique_ptr<Store> open_sqlite(Reactor& reactor, SqliteOptions options);

}  // namespace nacre::store
