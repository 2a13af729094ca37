#include "store/mongo/mongo.h"

#include <unordered_map>
#include <utility>

#include "base/thrown.h"
#include "store/mongo/index_builder.h"
#include "store/mongo/operations.h"

namespace nacre::store {
namespace mongo {
namespace {

using nacre::mongo::Target;

/// How long a write that was begun may take to come to an end once nobody waits for it.
constexpr Milliseconds kGrace{5'000};
constexpr Milliseconds kLongestBuild{3'600'000};
constexpr Milliseconds kFirstPause{200};
constexpr Milliseconds kTurnPause{50};
constexpr Milliseconds kLongestPause{5'000};

/// A write, from its fiber to the store's and back.
template <class T>
struct WriteCall {
  nacre::mongo::Demand demand{};
  Result<T> result = Failure(Error::internal);
  fiber::Event finished{};
};

/// What a worker asks of the database when it starts.
enum class Step : std::uint8_t { collections, unique_indexes, other_indexes };

class MongoStore final : public Store {
 public:
  MongoStore(Reactor& reactor, MongoOptions options)
      : reactor_(reactor),
        options_(std::move(options)),
        background_(reactor),
        client_(reactor, options_.target, options_.timeout, {options_.log, options_.on_wait}),
        builder_(reactor, 1),
        next_step_(reactor.background_timer([this] { run_step(); })) {}

  ~MongoStore() override {
    background_.cancel_all();
    give_back_turn();
  }

  Result<Document> find_one(const config::Resource& resource, std::string_view id,
                            const std::optional<std::string>& owner) override {
    const fiber::TimeLimit limit(options_.timeout);
    return mongo::find_one(client_, resource.name, id, owner);
  }

  Result<Page> find(const config::Resource& resource, const query::ListQuery& query,
                    const std::optional<std::string>& owner) override {
    const fiber::TimeLimit limit(options_.timeout);
    return find_page(client_, resource.name, query, owner);
  }

  Result<void> insert(const config::Resource& resource, std::vector<NewDocument> documents,
                      const std::optional<Remember>& remember) override {
    const fiber::TimeLimit limit(options_.timeout);
    auto collection = collection_of(resource);
    if (auto made = wait_until_made(); !made) return made.error();
    if (auto writable = wait_until_writable(*collection); !writable) return writable.error();
    auto insert = Insert::make(std::move(collection), std::move(documents), remember);
    if (!insert) return insert.error();
    return write<void>(resource.name, std::move(*insert));
  }

  Result<Document> replace(const config::Resource& resource, std::string_view id, Fields fields, Timestamp updated,
                           const Precondition& precondition) override {
    const fiber::TimeLimit limit(options_.timeout);
    auto collection = collection_of(resource);
    if (auto writable = wait_until_writable(*collection); !writable) return writable.error();
    return write<Document>(resource.name, Replace(std::move(collection), id, std::move(fields), updated, precondition));
  }

  Result<void> erase(const config::Resource& resource, std::string_view id, const Precondition& precondition) override {
    const fiber::TimeLimit limit(options_.timeout);
    return write<void>(resource.name, Erase(collection_of(resource), id, precondition));
  }

  Result<std::optional<std::string>> recall(std::string_view key, Timestamp now) override {
    const fiber::TimeLimit limit(options_.timeout);
    return mongo::recall(client_, key, now);
  }

  Result<void> remember(const Remember& value) override {
    const fiber::TimeLimit limit(options_.timeout);
    if (auto made = wait_until_made(); !made) return made.error();
    return write<void>("", RememberValue{value});
  }

  void prepare(std::span<const config::Resource> resources) override {
    collections_.clear();
    for (const config::Resource& resource : resources) {
      const auto collection = collection_of(resource);
      for (const auto& keys : collection->plan.not_indexed) {
        if (options_.log) options_.log("resource " + resource.name + ": no index on " + keys + ", which may hold arrays");
      }
    }
    client_.start();
    run_step();
  }

  Result<void> ping() override {
    const fiber::TimeLimit limit(options_.timeout);
    return mongo::ping(client_);
  }

  std::optional<PoolUsage> pool() const override {
    const nacre::mongo::Usage usage = client_.usage();
    return PoolUsage{.idle = usage.idle, .busy = usage.busy, .connecting = usage.connecting};
  }

 private:
  std::shared_ptr<Collection> collection_of(const config::Resource& resource) {
    auto& collection = collections_[resource.name];
    if (!collection) collection = std::make_shared<Collection>(resource);
    return collection;
  }

  /// No write makes a collection by the way: a transaction can't everywhere, and two that do would stand in each other's way.
  Result<void> wait_until_made() { return wait_for(made_, "the collections are not there yet"); }

  static Result<void> wait_until_writable(Collection& collection) {
    auto waited = wait_for(collection.writable, "a unique index of this resource is not there yet");
    if (!waited || collection.blocked.empty()) return waited;
    return Failure(Error::unavailable,
                   "documents of this resource have the same " + collection.blocked + ", which must be unique");
  }

  static Result<void> wait_for(fiber::Event& event, const char* else_why) {
    auto waited = event.wait();
    if (waited || waited.error().error != Error::deadline) return waited;
    return Failure(Error::unavailable, else_why);
  }

  /// Runs a write on a fiber of the store's: what was begun ends, whoever waits for it; nothing is begun for nobody.
  template <class T, class Work>
  Result<T> write(const std::string& resource, Work work) {
    auto call = std::make_shared<WriteCall<T>>();
    call->demand.until = fiber::deadline();
    tell(options_.hooks.before, resource, work);
    auto started = background_.start(reactor_.now() + options_.timeout + kGrace,
                                     [this, call, resource, work = std::make_shared<Work>(std::move(work))] {
                                       try {
                                         call->result = (*work)(client_, call->demand);
                                       } catch (...) {
                                         call->result = thrown_failure();
                                       }
                                       tell(options_.hooks.after, resource, *work);
                                       call->finished.set();
                                     });
    if (!started) {
      call->result = started.error();
      call->finished.set();
    }
    if (auto waited = call->finished.wait(); !waited) {
      call->demand.over = true;
      if (waited.error().error == Error::deadline && client_.is_away()) return nacre::mongo::away("no connection in time");
      return waited.error();
    }
    return std::move(call->result);
  }

  template <class Work>
  static void tell(const std::function<void(std::string_view, std::string_view)>& hook, const std::string& resource,
                   const Work& work) {
    if (hook) work.for_each_id([&](std::string_view id) { hook(resource, id); });
  }

  /// What `prepare` asked for, on a thread, step by step. Indexes are one worker's at a time; those after it find them made.
  /// Unique ones come before the others, for what may take long must not keep writes waiting.
  void run_step() {
    switch (step_) {
      case Step::collections:
        return run<Complete>(make_collections, [this](const auto& complete) { collections_made(complete); });
      case Step::unique_indexes:
        if (!take_turn(kUniqueIndexes)) return;
        return run<std::vector<Prepared>>(make_unique_indexes, [this](const auto& made) { unique_indexes_made(made); });
      case Step::other_indexes:
        if (!take_turn(kOtherIndexes)) return;
        return run<void>(make_other_indexes, [this](const auto& made) { other_indexes_made(made); });
    }
  }

  template <class T, class Done>
  void run(Result<T> (*build)(const nacre::mongo::Target&, const std::vector<CollectionPlan>&, const net::Patience&),
           Done done) {
    std::vector<CollectionPlan> plans{plan_remembered()};
    for (const auto& [name, collection] : collections_) plans.push_back(collection->plan);
    // Until it has run there is no thread for it.
    const auto result = std::make_shared<Result<T>>(Failure(Error::unavailable));
    builder_.run(
        [result, build, plans = std::move(plans), target = options_.target](std::stop_token stop) {
          *result = build(target, plans, {monotonic_now() + kLongestBuild, std::move(stop)});
        },
        [result, done = std::move(done)] { done(*result); });
  }

  void go_on(Step step) {
    step_ = step;
    pause_ = kFirstPause;
    run_step();
  }

  void collections_made(const Result<Complete>& complete) {
    if (!complete) return run_later(complete.error());
    for (const auto& [name, collection] : collections_) {
      if (complete->contains(name)) collection->writable.set();
    }
    made_.set();
    go_on(Step::unique_indexes);
  }

  void unique_indexes_made(const Result<std::vector<Prepared>>& made) {
    give_back_turn();
    if (!made) return run_later(made.error());
    blocked_ = false;
    for (const Prepared& one : *made) {
      const auto found = collections_.find(one.name);
      if (found == collections_.end()) continue;
      Collection& collection = *found->second;
      blocked_ = blocked_ || !one.blocked.empty();
      if (!one.blocked.empty() && collection.blocked != one.blocked && options_.log) {
        options_.log("resource " + one.name + ": its unique index on " + one.blocked +
                     " can't be made, documents have the same values; until they differ, nothing is created or replaced there");
      }
      collection.blocked = one.blocked;
      collection.writable.set();
    }
    if (others_made_) return blocked_ ? run_later() : void();
    go_on(Step::other_indexes);
  }

  void other_indexes_made(const Result<void>& made) {
    give_back_turn();
    if (!made) return run_later(made.error());
    others_made_ = true;
    if (!blocked_) return;
    step_ = Step::unique_indexes;
    run_later();
  }

  /// The same step after a pause: it failed, or documents stand against an index.
  void run_later() {
    next_step_->arm(reactor_.now() + pause_);
    pause_ = std::min(2 * pause_, kLongestPause);
  }
  void run_later(const Failure& failure) {
    tell_once(failure.internal);
    run_later();
  }

  /// False, and the step is tried again soon, while another worker is at it.
  bool take_turn(std::string_view what) {
    in_turn_ = !options_.turn.take || options_.turn.take(what);
    if (!in_turn_) next_step_->arm(reactor_.now() + kTurnPause);
    return in_turn_;
  }

  void give_back_turn() {
    if (std::exchange(in_turn_, false) && options_.turn.give_back) options_.turn.give_back();
  }

  void tell_once(const std::string& why) {
    if (std::exchange(told_, true) || !options_.log) return;
    options_.log("MongoDB: collections and indexes can't be made yet: " + why);
  }

  Reactor& reactor_;
  const MongoOptions options_;
  fiber::Scheduler background_;
  nacre::mongo::Client client_;
  std::unordered_map<std::string, std::shared_ptr<Collection>> collections_;
  net::Threads builder_;
  std::unique_ptr<Timer> next_step_;
  Milliseconds pause_ = kFirstPause;
  fiber::Event made_;  ///< set once all collections are there
  Step step_ = Step::collections;
  bool blocked_ = false;  ///< documents stand against a unique index
  bool others_made_ = false;
  bool in_turn_ = false;
  bool told_ = false;
};

}  // namespace
}  // namespace mongo

std::unique_ptr<Store> open_mongo(Reactor& reactor, MongoOptions options) {
  return std::make_unique<mongo::MongoStore>(reactor, std::move(options));
}

}  // namespace nacre::store
