#include "store/sqlite/sqlite.h"

#include <algorithm>
#include <unordered_map>

#include "fiber/fiber.h"
#include "store/document.h"
#include "store/sqlite/checkpoint.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/list_sql.h"
#include "store/sqlite/loop_reads.h"
#include "store/sqlite/operations.h"
#include "store/sqlite/purge.h"
#include "store/sqlite/reconcile.h"
#include "store/sqlite/table.h"
#include "store/sqlite/upkeep.h"

namespace nacre::store {
namespace sqlite {
namespace {

constexpr std::size_t kPointsCache = 8'000;  // KiB; what is not there is copied out of the kernel, as a rule on the loop

/// What lanes refer to; lives until the last of them has come back.
struct Shared {
  explicit Shared(const SqliteOptions& options)
      : blueprint({options.generation, options.read}, options.step, options.log),
        reads("reads of " + options.path, options.log),
        writes("writes to " + options.path, options.log) {}

  Blueprint blueprint;
  Health reads;
  Health writes;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(Reactor& reactor, SqliteOptions options)
      : options_(std::move(options)),
        shared_(std::make_shared<Shared>(options_)),
        points_(std::make_shared<Queue>(reactor, limits())),
        loop_reads_(std::make_unique<LoopReads>(reactor, points_)),
        lists_(std::make_shared<Queue>(reactor, limits())),
        writes_(std::make_shared<Queue>(reactor, limits())),
        checks_(std::make_shared<Queue>(reactor, limits())),
        checkpoints_(std::make_shared<Queue>(reactor, limits())),
        checkpoint_(std::make_shared<Checkpoint>(checkpoints_)),
        upkeep_(std::make_shared<Upkeep>(reactor, std::shared_ptr<Blueprint>(shared_, &shared_->blueprint), writes_, checks_,
                                         options_.pause)),
        purge_(std::make_shared<Purge>(reactor, writes_, options_.pause)),
        background_(reactor) {
    const auto reads = std::make_shared<Reads>(shared_->reads);
    points_->add_lane(reads, connection(true, kPointsCache), shared_);
    for (unsigned i = 0; i < std::max(1U, options_.list_lanes); ++i) lists_->add_lane(reads, connection(true), shared_);
    const auto written = [weak = std::weak_ptr(checkpoint_)](int log_pages) {
      if (const auto checkpoint = weak.lock()) checkpoint->written(log_pages);
    };
    writes_->add_lane(std::make_shared<Writes>(shared_->writes, written), connection(false), shared_);
    checkpoints_->add_lane(std::make_shared<Writes>(shared_->writes, [](int) {}), connection(true), shared_);
    checks_->add_lane(reads, connection(true), shared_);
  }

  ~SqliteStore() override { background_.cancel_all(); }

  Result<Document> find_one(const config::Resource& resource, std::string_view id,
                            const std::optional<std::string>& owner) override {
    const std::shared_ptr<const Table> table = this->table(resource);
    if (auto found = loop_reads_->find_one(*table, id, owner)) {
      shared_->reads.worked();
      return std::move(*found);
    }
    return run<Document>(*points_, FindOne{table, std::string(id), owner});
  }

  Result<Page> find(const config::Resource& resource, const query::ListQuery& query,
                    const std::optional<std::string>& owner) override {
    return run<Page>(*lists_, FindPage(*table(resource), resource, query, owner));
  }

  Result<void> insert(const config::Resource& resource, std::vector<NewDocument> documents,
                      const std::optional<Remember>& remember) override {
    return write<void>(Insert(table(resource), shared_->blueprint, std::move(documents), remember));
  }

  Result<Document> replace(const config::Resource& resource, std::string_view id, Fields fields, Timestamp updated,
                           const Precondition& precondition) override {
    return write<Document>(Replace(table(resource), shared_->blueprint, id, std::move(fields), updated, precondition));
  }

  Result<void> erase(const config::Resource& resource, std::string_view id, const Precondition& precondition) override {
    return write<void>(Erase(table(resource), id, precondition));
  }

  Result<std::optional<std::string>> recall(std::string_view key, Timestamp now) override {
    return run<std::optional<std::string>>(*points_, Recall{std::string(key), now});
  }

  Result<void> remember(const Remember& value) override { return run<void>(*writes_, RememberValue{value}); }

  void prepare(std::span<const config::Resource> resources) override {
    tables_.clear();
    std::vector<std::shared_ptr<const Table>> tables;
    for (const config::Resource& resource : resources) {
      tables.push_back(std::make_shared<const Table>(resource));
      tables_[resource.name] = tables.back();
      for (const auto& keys : tables.back()->not_indexed) {
        options_.log.warn("resource " + resource.name + ": no index on " + keys + ", which may hold arrays or objects");
      }
    }
    shared_->blueprint.set_tables(std::move(tables));
    upkeep_->begin();
    purge_->begin();
  }

  Result<void> ping() override { return run<void>(*points_, Ping{}); }

 private:
  Queue::Options limits() const { return {.limit = options_.queue_limit}; }

  std::unique_ptr<Connection> connection(bool read_only, std::size_t cache_kib = ConnectionOptions().cache_kib) const {
    return std::make_unique<Connection>(
        ConnectionOptions{.path = options_.path,
                          .synchronous = options_.synchronous,
                          .read_only = read_only,
                          .max_pages = options_.max_pages,
                          .cache_kib = cache_kib},
        [shared = shared_.get()](Connection& opened) { return shared->blueprint.make_tables(opened); });
  }

  /// The table of a resource; one that `prepare` was not told of has none in the file either.
  std::shared_ptr<const Table> table(const config::Resource& resource) {
    auto& table = tables_[resource.name];
    if (!table) table = std::make_shared<const Table>(resource);
    return table;
  }

  template <class T, class Work>
  static std::shared_ptr<TypedCall<T, Work>> make_call(Work work) {
    return std::make_shared<TypedCall<T, Work>>(std::move(work));
  }

  template <class T, class Work>
  Result<T> run(Queue& queue, Work work) {
    const fiber::TimeLimit limit(options_.timeout);
    const auto call = make_call<T>(std::move(work));
    if (auto done = queue.run(call); !done) return done.error();
    return std::move(call->result);
  }

  /// On a fiber that sees the write's end, whoever waits for it.
  template <class T, class Work>
  Result<T> write(Work work) {
    const fiber::TimeLimit limit(options_.timeout);
    const auto call = make_call<T>(std::move(work));
    call->take_deadline();
    auto result = fiber::apart<T>(background_, [this, call]() -> Result<T> {
      if (auto submitted = writes_->submit(call); !submitted) return submitted.error();
      if (auto waited = call->finished.wait(); !waited) return waited.error();  // the store's end, at which it was not begun
      if (call->wrote && options_.written) options_.written(call->operation().resource(), call->operation().ids());
      return std::move(call->result);
    });
    if (!result) call->abandoned.store(true, std::memory_order_relaxed);
    return result;
  }

  const SqliteOptions options_;
  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<Queue> points_;
  const std::unique_ptr<LoopReads> loop_reads_;
  const std::shared_ptr<Queue> lists_;
  const std::shared_ptr<Queue> writes_;
  const std::shared_ptr<Queue> checks_;
  const std::shared_ptr<Queue> checkpoints_;
  const std::shared_ptr<Checkpoint> checkpoint_;
  const std::shared_ptr<Upkeep> upkeep_;
  const std::shared_ptr<Purge> purge_;
  std::unordered_map<std::string, std::shared_ptr<const Table>> tables_;
  fiber::Scheduler background_;
};

}  // namespace
}  // namespace sqlite

Result<SqliteOptions> parse_sqlite_uri(std::string_view uri) {
  constexpr std::string_view kScheme = "sqlite:";
  constexpr std::string_view kParameter = "synchronous=";
  const Failure failure(Error::internal, "an SQLite store is sqlite:PATH or sqlite:PATH?synchronous=full|normal|off");
  if (!uri.starts_with(kScheme)) return failure;
  uri.remove_prefix(kScheme.size());
  const std::size_t end = std::min(uri.find('?'), uri.size());
  SqliteOptions options{.path = std::string(uri.substr(0, end))};
  if (options.path.empty() || options.path.front() == ':') return failure;  // :memory: would be one store for each connection
  if (end == uri.size()) return options;
  uri.remove_prefix(end + 1);
  if (!uri.starts_with(kParameter)) return failure;
  const std::string_view value = uri.substr(kParameter.size());
  if (value != "full" && value != "normal" && value != "off") return failure;
  options.synchronous = value;
  return options;
}

std::unique_ptr<Store> open_sqlite(Reactor& reactor, SqliteOptions options) {
  return std::make_unique<sqlite::SqliteStore>(reactor, std::move(options));
}

}  // namespace nacre::store
