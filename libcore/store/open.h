#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/last_write.h"
#include "base/log.h"
#include "config/config.h"
#include "fiber/reactor.h"
#include "store/store.h"

namespace nacre::store {

/// What a store tells the worker that it belongs to, and its host's other workers.
struct Listeners {
  Written written{};
  Log log{};                                                ///< for operators
  std::function<void(std::chrono::nanoseconds)> on_wait{};  ///< an operation waited for a connection; on the loop
  std::function<void()> on_stale{};                         ///< what was read lately may be from before acknowledged writes
  std::function<bool(std::string_view what)> is_first{};    ///< of the host's workers to do `what` within a minute; on the loop
  std::function<void(std::string_view what)> forget{};      ///< as if none had done it
  LastWrite* last_write = nullptr;                          ///< of the host
};

/// The store that `store.uri` names. `turn`: among the workers that use the same database.
std::unique_ptr<Store> open(const config::Config& config, Reactor& reactor, Listeners listeners, Turn turn);

/// Files of the store that the workers must be able to write; empty for a store that is a server.
std::optional<std::string> data_file(const config::Config& config);

}  // namespace nacre::store
