#include "cache/read_through.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace nacre::cache {

namespace {

constexpr Milliseconds kFirstPause{1};
constexpr Milliseconds kLongestPause{8};

/// Renewals in the background are work that no client waits for: so many in a worker, the rest is left to later requests.
constexpr std::size_t kMostRenewals = 128;

/// Nearly all bodies are smaller.
constexpr std::size_t kMostSpare = std::size_t{64} << 10U;

/// Everything about one entry that a read of it needs.
struct Read {
  const Key& key;
  const config::CachePolicy& policy;
  const ReadThrough::MakeLoad make_load;
  Waits& waits;
  Entry& entry;
};

bool store_failed(Error error) {
  return error == Error::unavailable || error == Error::overloaded || error == Error::deadline || error == Error::internal;
}

/// Whether what the zone has was read from the store after what the remote tier has: that one does not know of a write yet, or
/// does not keep what is newer, and must not be believed.
bool is_newer(const Entry& here, const Hit& hit, const Entry& there, Milliseconds age) {
  if (here.etag == there.etag) return false;
  if (here.last_modified && there.last_modified && here.last_modified->at != there.last_modified->at) {
    return here.last_modified->at > there.last_modified->at;
  }
  return hit.age < age;
}

Served served(const Hit& hit) { return {hit.freshness == Freshness::stale ? Outcome::stale : Outcome::l1_hit, hit.age}; }

}  // namespace

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::l1_hit:
      return "l1-hit";
    case Outcome::l2_hit:
      return "l2-hit";
    case Outcome::miss:
      return "miss";
    case Outcome::stale:
    case Outcome::l2_stale:
      return "stale";
    case Outcome::none:
      break;
  }
  return "-";
}

std::string_view cache_status(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::l1_hit:
      return "nacre; hit";
    case Outcome::l2_hit:
      return "nacre; hit; detail=l2";
    case Outcome::miss:
      return "nacre; fwd=miss";
    case Outcome::stale:
    case Outcome::l2_stale:
      return "nacre; fwd=stale";
    case Outcome::none:
      break;
  }
  return "";
}

/// Outlives the ReadThrough while renewals run.
struct ReadThrough::State : std::enable_shared_from_this<ReadThrough::State> {
  /// One read of the store in this worker, and those who wait for it.
  struct Flight {
    fiber::Event over;
    std::uint64_t number = 0;  ///< in the order of their beginnings
    std::size_t followers = 0;
    std::optional<Result<Served>> result;  ///< none when its leader went away: then another leads
    Entry entry;
  };
  using Flights = std::unordered_map<std::string, std::shared_ptr<Flight>>;

  /// Ends a flight at the end of a scope, whichever way that is left.
  class Landing {
   public:
    Landing(Flights& flights, const std::string& name) : flights_(flights), name_(name) {}
    ~Landing() { flights_.extract(name_).mapped()->over.set(); }
    Landing(const Landing&) = delete;
    Landing& operator=(const Landing&) = delete;

   private:
    Flights& flights_;
    const std::string& name_;  // in the map itself
  };

  /// A lease of the zone for a scope.
  class Lead {
   public:
    explicit Lead(Zone& zone) : zone_(zone) {}
    ~Lead() {
      if (lease_) zone_.release(*lease_);
    }
    Lead(const Lead&) = delete;
    Lead& operator=(const Lead&) = delete;
    bool take(std::string_view flight, Milliseconds time, Monotonic now) {
      lease_ = zone_.try_lead(flight, time, now);
      return lease_.has_value();
    }

   private:
    Zone& zone_;
    std::optional<Lease> lease_;
  };

  State(Zone& z, fiber::Scheduler& s, Options o) : zone(z), scheduler(s), options(o) {}

  Monotonic now() const { return scheduler.reactor().now(); }
  std::optional<Hit> find(const Key& key, Entry& entry) const {
    if (!options.local) return std::nullopt;
    entry.body.clear();
    entry.last_modified.reset();
    return zone.find(key.text(), now(), entry);
  }
  void fill(const Key& key, Ticket ticket, const Entry& entry, const config::CachePolicy& policy, Milliseconds age = {}) const {
    if (!options.local) return;
    const Milliseconds local = options.remote != nullptr ? kLocal : Milliseconds::max();
    zone.fill(key.text(), key.subject(), ticket, entry, {policy.ttl, policy.stale, age, local}, now());
  }

  /// The flight's name holds the generation: who comes after a write must not wait for what was begun before it.
  std::string flight_name(const Read& read) const {
    return std::string(read.key.text()) + '\n' + std::to_string(zone.ticket(read.key.subject()).generation);
  }

  /// Whether an entry of the zone is an answer without a look at the tier behind.
  bool usable(const std::optional<Hit>& hit) const {
    return hit && (hit->freshness == Freshness::fresh || options.remote == nullptr);
  }

  /// What the tiers have; `look` is what a fill of the remote one may do.
  std::optional<Served> find_anywhere(const Read& read, RemoteTier::Look& look);
  std::optional<Served> find_remote(const Read& read, const std::optional<Hit>& hit, RemoteTier::Look& look, bool& away);
  Result<Served> get(const Read& read);
  Result<Served> lead(const Read& read, const std::string& flight, RemoteTier::Look& look);
  Result<Served> load(const Read& read, RemoteTier::Look look);
  void renew(const Read& read, const RemoteTier::Look& look);

  Zone& zone;
  fiber::Scheduler& scheduler;
  Options options;
  Flights flights;          ///< as many as fibers that read, at most
  std::uint64_t begun = 0;  ///< flights
  std::size_t renewals = 0;
  std::string spare;  ///< empty, with memory for a body
};

std::optional<Served> ReadThrough::State::find_anywhere(const Read& read, RemoteTier::Look& look) {
  const auto hit = find(read.key, read.entry);
  if (!usable(hit) && options.remote != nullptr) {
    bool away = false;
    const auto remote = find_remote(read, hit, look, away);
    if (remote || !away) return remote;
  }
  if (!hit) return std::nullopt;
  if (hit->freshness == Freshness::stale) renew(read, look);
  return served(*hit);
}

/// `hit` is what the read's entry holds.
std::optional<Served> ReadThrough::State::find_remote(const Read& read, const std::optional<Hit>& hit, RemoteTier::Look& look,
                                                      bool& away) {
  const Stopwatch stopwatch(read.waits.remote);
  const Ticket ticket = options.local ? zone.ticket(read.key.subject()) : Ticket{};
  std::optional<Entry> beside;
  Entry& entry = hit ? beside.emplace() : read.entry;
  const auto looked = options.remote->find(read.key, entry);
  if (!looked) {
    away = true;
    return std::nullopt;
  }
  look = *looked;
  if (!look.age || *look.age >= read.policy.ttl + read.policy.stale) return std::nullopt;
  if (hit && is_newer(read.entry, *hit, entry, *look.age)) return std::nullopt;
  fill(read.key, ticket, entry, read.policy, *look.age);
  const bool fresh = *look.age < read.policy.ttl;
  if (!fresh) renew(read, look);
  if (beside) read.entry = std::move(*beside);
  return Served{fresh ? Outcome::l2_hit : Outcome::l2_stale, *look.age};
}

Result<Served> ReadThrough::State::get(const Read& read) {
  const std::uint64_t came = begun;
  for (;;) {
    RemoteTier::Look look;
    if (const auto found = find_anywhere(read, look)) return *found;
    if (fiber::cancelled()) return Failure(Error::cancelled);
    const Stopwatch stopwatch(read.waits.store);
    // A read under way may be older than a write by another zone's process, which counts no generation of this one up.
    if (!zone.serves()) return load(read, look);
    const auto [at, first] = flights.try_emplace(flight_name(read));
    const std::string& name = at->first;
    const std::shared_ptr<Flight> flight = first ? at->second = std::make_shared<Flight>() : at->second;
    if (first) {
      flight->number = ++begun;
      const Landing landing(flights, name);
      Result<Served> result = lead(read, name, look);
      // What ended this fiber alone is no answer for the others.
      const bool gave_up = !result && (fiber::cancelled() || now() >= fiber::deadline());
      if (flight->followers > 0 && !gave_up) {
        flight->result = result;
        flight->entry = read.entry;
      }
      return result;
    }
    ++flight->followers;
    const Result<void> waited = flight->over.wait();
    --flight->followers;
    if (!waited) return waited.error();
    // Without entries in the zone, what other hosts write counts as soon as they have answered it, heard of or not: what was
    // begun before this read came may be older.
    if (flight->result && (options.local || flight->number > came)) {
      read.entry = flight->entry;
      return *flight->result;
    }
  }
}

/// Reads for all that wait in this worker: what another worker of the host fills in meanwhile, or the store.
Result<Served> ReadThrough::State::lead(const Read& read, const std::string& flight, RemoteTier::Look& look) {
  const Monotonic end = now() + options.store_timeout;
  Lead lead(zone);
  bool waited = false;
  for (Milliseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    const bool leads = lead.take(flight, options.store_timeout, now());
    // Only now: the leader before this one may have filled it in and left since the last look.
    if (const auto hit = find(read.key, read.entry); usable(hit)) return served(*hit);
    if (leads || now() >= end) break;
    if (const Result<void> slept = fiber::sleep(pause); !slept) return slept.error();
    waited = true;
  }
  if (waited && options.remote != nullptr) {
    if (const auto found = find_anywhere(read, look)) return *found;
  }
  return load(read, look);
}

Result<Served> ReadThrough::State::load(const Read& read, RemoteTier::Look look) {
  const Ticket ticket = zone.ticket(read.key.subject());
  if (options.remote != nullptr) options.remote->reserve(read.key, look);
  Result<Entry> loaded = read.make_load()();
  if (loaded) {
    fill(read.key, ticket, *loaded, read.policy);
    if (options.remote != nullptr) options.remote->fill(read.key, look, *loaded, read.policy);
    read.entry = std::move(*loaded);
    return Served{Outcome::miss, {}};
  }
  if (store_failed(loaded.error().error)) {
    if (const auto hit = find(read.key, read.entry)) return Served{Outcome::stale, hit->age};
  }
  return loaded.error();
}

/// Starts a renewal, unless one runs on this host or failed a moment ago.
void ReadThrough::State::renew(const Read& read, const RemoteTier::Look& look) {
  if (renewals >= kMostRenewals) return;
  const Ticket ticket = zone.ticket(read.key.subject());
  const std::optional<Lease> lease = zone.try_lead(flight_name(read) + " renewal", options.store_timeout, now());
  if (!lease || !lease->exclusive()) return;
  ++renewals;
  const std::shared_ptr<State> state = shared_from_this();
  const std::shared_ptr<void> count(nullptr, [state](void*) { --state->renewals; });
  const auto started =
      scheduler.start(now() + options.store_timeout, [state, count, ticket, lease = *lease, key = read.key,
                                                      policy = read.policy, load = read.make_load(), look = look]() mutable {
        RemoteTier* const remote = state->options.remote;
        if (remote != nullptr && look.fill == RemoteTier::Look::Fill::none) {
          Entry seen;
          if (const auto looked = remote->find(key, seen)) look = *looked;
        }
        if (remote != nullptr) remote->reserve(key, look);
        const Result<Entry> loaded = load();
        if (loaded) {
          state->fill(key, ticket, *loaded, policy);
          if (remote != nullptr) remote->fill(key, look, *loaded, policy);
          state->zone.release(lease);
        } else if (!store_failed(loaded.error().error)) {
          state->zone.invalidate(key.subject());
        }
        // A store that fails keeps the lease, and is asked again when it has run out.
      });
  if (!started) zone.release(*lease);
}

ReadThrough::ReadThrough(Zone& zone, fiber::Scheduler& scheduler, Options options)
    : state_(std::make_shared<State>(zone, scheduler, options)) {}
ReadThrough::~ReadThrough() = default;

Result<Served> ReadThrough::get(const Key& key, const config::CachePolicy& policy, MakeLoad make_load, Waits& waits,
                                Entry& entry) {
  if (policy.on) return state_->get({key, policy, make_load, waits, entry});
  const Stopwatch stopwatch(waits.store);
  Result<Entry> loaded = make_load()();
  if (!loaded) return loaded.error();
  entry = std::move(*loaded);
  return Served{};
}

bool ReadThrough::is_local() const noexcept { return state_->options.local; }

std::optional<Milliseconds> ReadThrough::find_fresh(const Key& key, Entry& entry) {
  entry.body = std::move(state_->spare);
  const auto hit = state_->find(key, entry);
  if (!hit || hit->freshness != Freshness::fresh) return std::nullopt;
  return hit->age;
}

void ReadThrough::take_back(std::string&& body) noexcept {
  if (body.capacity() <= state_->spare.capacity() || body.capacity() > kMostSpare) return;
  body.clear();
  state_->spare = std::move(body);
}

}  // namespace nacre::cache
