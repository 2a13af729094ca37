#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "fiber/reactor.h"
#include "store/store.h"

namespace nacre::store {

/// The store that `store.uri` names. `log` takes one line for operators, on any thread.
std::unique_ptr<Store> open(const config::Config& config, Reactor& reactor, WriteHooks hooks,
                            std::function<void(std::string_view)> log);

/// Files of the store that the workers must be able to write; empty for a store that is a server.
std::optional<std::string> data_file(const config::Config& config);

}  // namespace nacre::store
