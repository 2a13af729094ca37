#include "store/open.h"

#include "mongo/target.h"
#include "store/mongo/mongo.h"
#include "store/sqlite/sqlite.h"

namespace nacre::store {

std::unique_ptr<Store> open(const config::Config& config, Reactor& reactor, WriteHooks hooks,
                            std::function<void(std::string_view)> log) {
  if (config.store.mongo) {
    MongoOptions options{.target = *config.store.mongo, .timeout = config.timeouts.store};
    options.hooks = std::move(hooks);
    options.log = std::move(log);
    return open_mongo(reactor, std::move(options));
  }
  SqliteOptions options = *parse_sqlite_uri(config.store.uri);  // it was checked when the configuration was loaded
  options.timeout = config.timeouts.store;
  options.hooks = std::move(hooks);
  options.log = std::move(log);
  return open_sqlite(reactor, std::move(options));
}

std::optional<std::string> data_file(const config::Config& config) {
  if (config.store.mongo) return std::nullopt;
  return parse_sqlite_uri(config.store.uri)->path;
}

}  // namespace nacre::store
