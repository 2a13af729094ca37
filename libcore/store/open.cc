#include "store/open.h"

#include "mongo/target.h"
#include "store/mongo/mongo.h"
#include "store/sqlite/sqlite.h"

namespace nacre::store {

std::unique_ptr<Store> open(const config::Config& config, Reactor& reactor, Listeners listeners, Turn turn) {
  if (config.store.mongo) {
    MongoOptions options{.target = *config.store.mongo, .timeout = config.timeouts.store};
    options.written = std::move(listeners.written);
    options.log = std::move(listeners.log);
    options.on_wait = std::move(listeners.on_wait);
    options.on_stale = std::move(listeners.on_stale);
    options.turn = std::move(turn);
    options.is_first = std::move(listeners.is_first);
    options.forget = std::move(listeners.forget);
    options.last_write = listeners.last_write;
    options.generation = config.reading;
    options.read = config.read;
    return open_mongo(reactor, std::move(options));
  }
  SqliteOptions options = *parse_sqlite_uri(config.store.uri);  // it was checked when the configuration was loaded
  options.timeout = config.timeouts.store;
  options.written = std::move(listeners.written);
  options.log = std::move(listeners.log);
  options.generation = config.reading;
  options.read = config.read;
  return open_sqlite(reactor, std::move(options));
}

std::optional<std::string> data_file(const config::Config& config) {
  if (config.store.mongo) return std::nullopt;
  return parse_sqlite_uri(config.store.uri)->path;
}

}  // namespace nacre::store
