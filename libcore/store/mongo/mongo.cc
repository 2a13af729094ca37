#include "store/mongo/mongo.h"

#include <sodium.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/thrown.h"
#include "store/mongo/index_builder.h"
#include "store/mongo/operations.h"

namespace nacre::store {
namespace on_mongo {
namespace {

using mongo::Target;

/// How long a write that was begun may take to come to an end once nobody waits for it, or its connection was lost.
constexpr Milliseconds kGrace{5'000};
constexpr Milliseconds kLongestBuild{3'600'000};
constexpr Milliseconds kFirstPause{200};
constexpr Milliseconds kTurnPause{50};
constexpr Milliseconds kLongestPause{5'000};            ///< while the server is away
constexpr Milliseconds kLongestTroubledPause{120'000};  ///< while it refuses something
constexpr std::string_view kLook = "look at the indexes";

Reading reading_of(const MongoOptions& options) {
  if (!options.generation.empty()) return {options.generation, options.read};
  std::string id(16, '\0');
  randombytes_buf(id.data(), id.size());
  std::string hex;
  append_hex(hex, id);
  return {hex, std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now())};
}

class MongoStore final : public Store {
 public:
  MongoStore(Reactor& reactor, MongoOptions options)
      : reactor_(reactor),
        options_(std::move(options)),
        reading_(reading_of(options_)),
        background_(reactor),
        client_(reactor, options_.target, options_.timeout, {options_.log, options_.on_wait, options_.on_stale},
                options_.last_write),
        builder_(reactor, 1),
        next_step_(reactor.background_timer([this] { run_step(); })),
        not_made_(options_.log, "MongoDB: collections and indexes can't be made yet",
                  "MongoDB: collections and indexes can be made") {}

  ~MongoStore() override {
    background_.cancel_all();
    give_back_turn();
  }

  Result<Document> find_one(const config::Resource& resource, std::string_view id,
                            const std::optional<std::string>& owner) override {
    const fiber::TimeLimit limit(options_.timeout);
    return on_mongo::find_one(client_, resource.name, id, owner, role_for(resource));
  }

  Result<Document> find_newest(const config::Resource& resource, std::string_view id,
                               const std::optional<std::string>& owner) override {
    const fiber::TimeLimit limit(options_.timeout);
    return on_mongo::find_one(client_, resource.name, id, owner, Role::primary);
  }

  Result<Page> find(const config::Resource& resource, const query::ListQuery& query,
                    const std::optional<std::string>& owner) override {
    const fiber::TimeLimit limit(options_.timeout);
    return find_page(client_, resource.name, query, owner, role_for(resource));
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
    return on_mongo::recall(client_, key, now);
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
        const std::string line = "resource " + resource.name + ": no index on " + keys + ", which may hold arrays";
        if (is_first(line)) options_.log.warn(line);
      }
    }
    client_.start();
    run_step();
  }

  Result<void> ping() override {
    const fiber::TimeLimit limit(options_.timeout);
    return on_mongo::ping(client_);
  }

  std::vector<std::string> troubles() const override {
    std::vector<std::string> all;
    for (const auto& [step, lines] : troubles_) {
      for (const std::string& line : lines) {
        if (!contains(all, line)) all.push_back(line);
      }
    }
    return all;
  }

  std::optional<PoolUsage> pool() const override {
    const mongo::Usage usage = client_.usage();
    return PoolUsage{.idle = usage.idle, .busy = usage.busy, .connecting = usage.connecting};
  }

 private:
  std::shared_ptr<Collection> collection_of(const config::Resource& resource) {
    auto& collection = collections_[resource.name];
    if (!collection) collection = std::make_shared<Collection>(resource);
    return collection;
  }

  /// What fills a cache is read from the primary: a copy that is late would stay there for long after it had caught up.
  static Role role_for(const config::Resource& resource) noexcept { return resource.cache.on ? Role::primary : Role::reader; }

  /// No write makes a collection by the way: a transaction can't everywhere, and two that do would stand in each other's way.
  Result<void> wait_until_made() { return wait_for(made_, "the collections are not there yet"); }

  static Result<void> wait_until_writable(Collection& collection) {
    auto waited = wait_for(collection.writable, "a unique index of this resource is not there yet");
    if (!waited || collection.closed.empty()) return waited;
    return Failure(Error::unavailable, collection.closed);
  }

  static Result<void> wait_for(fiber::Event& event, const char* else_why) {
    auto waited = event.wait();
    if (waited || waited.error().error != Error::deadline) return waited;
    return Failure(Error::unavailable, else_why);
  }

  /// Runs a write on a fiber of the store's: what was begun ends, whoever waits for it; nothing is begun for nobody. What a
  /// server got and did not answer it may carry out later: that is told of at once and when it must be over.
  template <class T, class Work>
  Result<T> write(const std::string& resource, Work work) {
    const auto demand = std::make_shared<mongo::Demand>(mongo::Demand{.until = fiber::deadline()});
    auto result = fiber::apart<T>(background_, [this, demand, resource, work = std::make_shared<Work>(std::move(work))] {
      Result<T> done = carry_out<T>(*work, *demand);
      // What was remembered, perhaps another worker wrote beside it, which has not told of it yet.
      if (demand->wrote || (!done && done.error().error == Error::remembered)) tell(resource, *work);
      if (demand->wrote && !done) {
        (void)background_.start(reactor_.now() + 2 * kGrace, [this, resource, work] {
          (void)fiber::sleep(kGrace);
          tell(resource, *work);
        });
      }
      return done;
    });
    if (result) return result;
    demand->over = true;
    if (result.error().error == Error::deadline && client_.is_away()) return mongo::away("no connection in time");
    return result;
  }

  template <class Work>
  void tell(const std::string& resource, const Work& work) const {
    const auto ids = work.ids();
    if (options_.written && !ids.empty()) options_.written(resource, ids);
  }

  template <class T, class Work>
  Result<T> carry_out(Work& work, const mongo::Demand& demand) {
    const fiber::TimeLimit limit(options_.timeout + kGrace);
    try {
      return work(client_, demand);
    } catch (...) {
      demand.wrote = true;  // for all that is known
      return thrown_failure();
    }
  }

  /// What `prepare` asked for, on a thread, step by step. Indexes are one worker's at a time; those after it find them made.
  /// Once all is there, one worker looks now and then whether it still is: a collection may be dropped, or restored without
  /// its indexes.
  void run_step() {
    if (settled_ && !is_first(kLook)) return look_later();
    if (step_ == Step::unique_indexes && !take_turn(kUniqueIndexes)) return;
    if (step_ == Step::other_indexes && !take_turn(kOtherIndexes)) return;
    std::vector<CollectionPlan> plans{plan_remembered()};
    for (const auto& [name, collection] : collections_) plans.push_back(collection->plan);
    // Until it has run there is no thread for it.
    const auto result = std::make_shared<Result<std::vector<Prepared>>>(Failure(Error::unavailable));
    builder_.run(
        [result, step = step_, plans = std::move(plans), target = options_.target, reading = reading_](std::stop_token stop) {
          *result = take_step(step, target, plans, reading, {monotonic_now() + kLongestBuild, std::move(stop)});
        },
        [this, result] { step_taken(*result); });
  }

  void step_taken(const Result<std::vector<Prepared>>& all) {
    give_back_turn();
    if (!all && settled_) return look_later();
    if (!all) {
      not_made_.lost(all.error().internal);
      return run_later(kLongestPause);
    }
    not_made_.back();
    note_troubles(*all);
    for (const Prepared& one : *all) {
      const auto found = collections_.find(one.name);
      if (found != collections_.end()) note_state(*found->second, one);
    }
    if (step_ == Step::collections) made_.set();
    if (settled_) {
      if (troubles().empty() && std::ranges::all_of(*all, &Prepared::whole)) return look_later();
      settled_ = false;
      if (options_.forget) options_.forget(of_this_reading(kLook));  // each of the others looks, too
    }
    go_on();
  }

  /// Whether it takes writes: not before it is known whether its unique indexes can be made.
  void note_state(Collection& collection, const Prepared& prepared) {
    if (step_ == Step::other_indexes) return;
    if (!prepared.complete && step_ == Step::collections) return;
    incomplete_ = incomplete_ || !prepared.complete;
    // Workers of a newer configuration are making it, so writes wait.
    if (!prepared.complete && prepared.troubles.empty()) return;
    collection.closed.clear();
    if (!prepared.complete) {
      collection.closed = sentence(prepared.troubles.front()) + "; until then nothing is created or replaced here";
    }
    collection.writable.set();
  }

  static std::string sentence(const Trouble& trouble) { return trouble.what + ": " + trouble.why; }

  static bool contains(const std::vector<std::string>& lines, const std::string& line) {
    return std::ranges::find(lines, line) != lines.end();
  }

  /// Tells operators once of what can't be made, whichever steps it stands in the way of, and once that it could be.
  void note_troubles(const std::vector<Prepared>& all) {
    const auto before = troubles();
    std::vector<std::string>& lines = troubles_[step_];
    lines.clear();
    for (const Prepared& one : all) {
      for (const Trouble& trouble : one.troubles) {
        const auto line = "resource " + one.name + ": " + sentence(trouble);
        if (options_.log.begins(line, {}, !contains(before, line))) {
          const std::string effect = step_ == Step::other_indexes ? "" : "; until then nothing is created or replaced there";
          options_.log.error(line + effect + " (" + trouble.internal + ")");
        }
        lines.push_back(line);
      }
    }
    const auto after = troubles();
    for (const std::string& line : before) {
      if (!contains(after, line) && options_.log.ends(line)) options_.log.notice("over: " + line);
    }
  }

  /// To the next step; what is not as it should be after the last one is looked at again, after pauses that grow.
  void go_on() {
    if (step_ == Step::other_indexes) {
      step_ = troubles_[Step::collections].empty() ? Step::unique_indexes : Step::collections;
      if (std::exchange(incomplete_, false) || !troubles().empty()) return run_later(kLongestTroubledPause);
      settled_ = true;
      step_ = Step::collections;
      return look_later();
    }
    if (step_ == Step::collections && troubles().empty()) pause_ = kFirstPause;
    step_ = step_ == Step::collections ? Step::unique_indexes : Step::other_indexes;
    run_step();
  }

  void look_later() { next_step_->arm(reactor_.now() + options_.look_again); }

  void run_later(Milliseconds longest) {
    next_step_->arm(reactor_.now() + pause_);
    pause_ = std::min(2 * pause_, longest);
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

  /// What all workers that read this configuration do, by name.
  std::string of_this_reading(std::string_view what) const { return reading_.id + " " + std::string(what); }
  bool is_first(std::string_view what) const { return !options_.is_first || options_.is_first(of_this_reading(what)); }

  Reactor& reactor_;
  const MongoOptions options_;
  const Reading reading_;
  fiber::Scheduler background_;
  mongo::Client client_;
  std::unordered_map<std::string, std::shared_ptr<Collection>> collections_;
  net::Threads builder_;
  std::unique_ptr<Timer> next_step_;
  Milliseconds pause_ = kFirstPause;
  fiber::Event made_;  ///< set once all collections are there
  Step step_ = Step::collections;
  std::map<Step, std::vector<std::string>> troubles_;  ///< what came of each step when it was last taken
  bool incomplete_ = false;                            ///< a unique index is not there
  bool settled_ = false;                               ///< all was there when it was last looked at
  bool in_turn_ = false;
  Outage not_made_;
};

}  // namespace
}  // namespace on_mongo

std::unique_ptr<Store> open_mongo(Reactor& reactor, MongoOptions options) {
  return std::make_unique<on_mongo::MongoStore>(reactor, std::move(options));
}

}  // namespace nacre::store
