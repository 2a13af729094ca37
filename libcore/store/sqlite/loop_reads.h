#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fiber/reactor.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/operations.h"

namespace nacre::store::sqlite {

/// Reads single documents on the loop, on the connection of a lane that is idle, as long as nothing has to be waited for: see
/// NoWait. The first read of a snapshot is a thread's work. Loop's thread only.
class LoopReads {
 public:
  LoopReads(Reactor& reactor, std::shared_ptr<Queue> queue) : reactor_(reactor), queue_(std::move(queue)) {}

  /// As read_document. nullopt: a thread is to do it.
  std::optional<Result<Document>> find_one(const Table& table, std::string_view id, const std::optional<std::string>& owner);

 private:
  /// The first copy of the WAL-index's header, which every commit changes (https://sqlite.org/walformat.html).
  using Head = std::array<std::uint32_t, 12>;

  bool share_snapshot(Connection& connection);
  void end_turn();

  Reactor& reactor_;
  const std::shared_ptr<Queue> queue_;
  Task ending_{[this] { end_turn(); }};   // posted once there was a read in this turn
  const std::uint32_t* index_ = nullptr;  // the WAL-index, while a transaction is open
  Head head_{};                           // before the transaction's snapshot was taken
};

}  // namespace nacre::store::sqlite
