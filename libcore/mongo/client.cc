#include "mongo/client.h"

#include <algorithm>

#include "fiber/tries.h"

namespace nacre::mongo {
namespace {

using fiber::Tries;

/// Waits no longer than for what may still be begun. `begun`: it was, and is to be ended, whoever waits.
Result<Checkout> check_out(Servers& servers, Use use, const Demand& demand, bool begun) {
  const fiber::TimeLimit limit(std::max(demand.until - fiber::reactor().now(), Milliseconds{0}));
  auto checkout = servers.check_out(use);
  if (checkout && demand.over && !begun) return Failure(Error::cancelled);
  return checkout;
}

constexpr std::int32_t kTransactionTooOld = 225;
constexpr std::int32_t kNoSuchTransaction = 251;  // what was refused in one has ended it
constexpr std::size_t kManySessions = 100;        // at most 10,000
constexpr Milliseconds kTellingPause{1'000};
constexpr Milliseconds kEnding{1'000};  // at least, for the end of a transaction: what was begun is ended, whoever waits

Failure too_late() { return {Error::deadline, "the store did not answer in time"}; }

bool is_broken(const Failure& failure) { return failure.error == Error::unavailable; }

bool may_have_written(const Answer& answer) {
  const bool met = answer.view.n > 0 || (answer.view.value && answer.view.value->type == BsonType::document);
  return met || (answer.error && !answer.error->is_refusal());
}

void write_transaction(BsonWriter& bson, const Session& session) {
  session.write_id(bson);
  bson.int64("txnNumber", session.transaction);
}

}  // namespace

Client::Client(Reactor& reactor, Target target, Milliseconds call_timeout, const Listeners& listeners, LastWrite* of_host)
    : reactor_(reactor),
      target_(std::move(target)),
      listeners_(listeners),
      primary_(reactor, target_, Role::primary, call_timeout, listeners_),
      telling_(reactor.background_timer([this] { tell_ended_sessions(); })),
      of_host_(of_host),
      deployment_(std::hash<std::string>()(target_.uri->driver)) {
  primary_.on_stale = listeners_.on_stale;
  if (!target_.uri->read_preference.is_primary()) {
    readers_ = std::make_unique<Servers>(reactor, target_, Role::reader, call_timeout, listeners_);
  }
  if (target_.uri->direct) return;
  monitor_ = std::make_unique<Monitor>(reactor, target_, [this](const Choice& choice) { follow(choice); });
}

Usage Client::usage() const noexcept {
  Usage usage = primary_.usage();
  if (readers_) usage += readers_->usage();
  return usage;
}

void Client::start() {
  primary_.start();
  if (readers_) readers_->start();
  if (monitor_) monitor_->start();
}

void Client::follow(const Choice& choice) {
  primary_.leave_stale();
  if (!readers_) return;
  readers_->leave_stale();
  readers_->follow(choice);
}

Result<Answer> Client::ask(ServerConnection& connection, Command command, Command tail, Monotonic until, Sent& sent,
                           std::optional<Milliseconds> max_time) {
  const Milliseconds left = until - reactor_.now();
  if (left <= Milliseconds{0}) return too_late();
  const auto encode = [&](std::string& out) {
    append_command(out, connection.sequence(), [&](BsonWriter& bson) {
      command(bson);
      bson.int64("maxTimeMS", max_time.value_or(left).count());
      if (!cluster_time_.empty()) bson.raw("$clusterTime", cluster_time_);
      tail(bson);
    });
  };
  net::Connection<Codec>::Call call(connection.connection(), encode);
  auto reply = call.wait();
  sent.reached = call.sent();
  if (!reply) {
    if (is_broken(reply.error())) return away(reply.error().internal);
    if (reply.error().error == Error::deadline) return too_late();
    return reply.error();
  }
  const auto view = ReplyView::read(reply->document());
  if (!view) return view.error();
  auto error = view->error();
  if (error && error->is_of_unknown_time()) forget_times();
  note_time(view->cluster_time);
  return Answer{std::move(*reply), *view, std::move(error)};
}

void Client::tell(Outage& refused, const Result<Answer>& answer) {
  if (answer && answer->error && answer->error->is_lasting()) refused.lost(answer->error->failure().internal);
}

/// https://github.com/mongodb/specifications/blob/master/source/sessions/driver-sessions.md (gossipping the cluster time)
void Client::note_time(std::string_view cluster_time) {
  if (!readers_ || cluster_time.empty()) return;
  const auto clock = find(cluster_time, "clusterTime");
  if (!clock || clock->type != BsonType::timestamp || clock->timestamp() <= cluster_clock_) return;
  cluster_clock_ = clock->timestamp();
  cluster_time_ = cluster_time;
}

void Client::note_write(const ReplyView& view) {
  if (!readers_ || view.operation_time <= written_) return;
  written_ = view.operation_time;
  if (of_host_ != nullptr) of_host_->note(deployment_, written_, cluster_time_);
}

/// Of the host as well, or workers to come would go on with them.
void Client::forget_times() {
  cluster_time_.clear();
  cluster_clock_ = written_ = 0;
  if (of_host_ != nullptr) of_host_->forget(deployment_);
}

/// A server takes no `afterClusterTime` that it knows no time of: `$clusterTime` tells it.
void Client::learn_writes() {
  if (!readers_ || of_host_ == nullptr || !of_host_->may_be_later(written_)) return;
  std::string cluster_time;
  const std::uint64_t written = of_host_->later(deployment_, written_, cluster_time);
  written_ = std::max(written_, written);
  note_time(cluster_time);
}

/// https://github.com/mongodb/specifications/blob/master/source/server-selection/server-selection.md (passing read preference)
void Client::write_read_tail(BsonWriter& bson, const Server& server, const ReadOptions& options) const {
  const Uri& uri = *target_.uri;
  bson.string("$db", uri.database);
  const bool after = options.role == Role::reader && server.transactions && written_ != 0 && uri.read_concern != "available";
  if (options.concern && (after || !uri.read_concern.empty())) {
    bson.document("readConcern", [&] {
      if (!uri.read_concern.empty()) bson.string("level", uri.read_concern);
      if (after) bson.raw("afterClusterTime", {reinterpret_cast<const char*>(&written_), sizeof written_}, BsonType::timestamp);
    });
  }
  static const ReadPreference of_primary;
  const ReadPreference& preference = options.role == Role::reader ? uri.read_preference : of_primary;
  const bool direct_member = uri.direct && !server.router;
  if (preference.is_primary() && !direct_member) return;
  bson.document("$readPreference", [&] {
    bson.string("mode", preference.is_primary() ? "primaryPreferred" : preference.mode);
    if (!preference.tags.empty()) {
      bson.array("tags", [&] {
        std::size_t index = 0;
        for (const auto& set : preference.tags) {
          bson.document(IndexName(index++).view(), [&] {
            for (const auto& [name, value] : set) bson.string(name, value);
          });
        }
      });
    }
    if (preference.max_staleness) bson.int64("maxStalenessSeconds", preference.max_staleness->count());
  });
}

/// `again`: a commit is repeated, and must then be confirmed by a majority (transactions specification). `most`: that other
/// members are waited for, where the URI does not say less.
void Client::write_concern(BsonWriter& bson, bool again, std::optional<Milliseconds> most) const {
  const WriteConcern& concern = target_.uri->write_concern;
  bson.document("writeConcern", [&] {
    if (again) {
      bson.string("w", "majority");
    } else if (concern.tag.empty()) {
      bson.int32("w", concern.count);
    } else {
      bson.string("w", concern.tag);
    }
    if (concern.journal) bson.boolean("j", *concern.journal);
    const Milliseconds timeout = concern.timeout > Milliseconds{0} ? std::min(concern.timeout, most.value_or(concern.timeout))
                                                                   : most.value_or(Milliseconds{0});
    if (timeout > Milliseconds{0}) bson.int64("wtimeout", timeout.count());
  });
}

Result<Answer> Client::read(Command command, const ReadOptions& options) {
  Servers& servers = readers_ && options.role == Role::reader ? *readers_ : primary_;
  const Monotonic until = fiber::deadline();
  for (Tries tries(until);;) {
    auto checkout = servers.check_out(options.use);
    if (!checkout) return checkout.error();
    ServerConnection& connection = **checkout;
    learn_writes();
    Sent sent;
    const auto tail = [&](BsonWriter& bson) { write_read_tail(bson, connection.server(), options); };
    auto answer = ask(connection, command, tail, until, sent);
    tell(refused_reads_, answer);
    if (answer ? !answer->error : !is_broken(answer.error())) return answer;
    if (answer && answer->error->is_state_change()) servers.dismiss(connection, answer->error->message);
    checkout->end();
    const bool retryable = answer ? answer->error->is_retryable_read() : true;
    if (!retryable || (!target_.uri->retry_reads && (answer || sent.reached)) || !tries.again()) return answer;
  }
}

Result<Answer> Client::write(Command command, const Demand& demand) {
  Session session = sessions_.take(reactor_.now());
  bool numbered = false;  // a try went out with the number: no other may go without
  // The same in each try: a server may know a write again by all of it but the envelope.
  std::optional<Milliseconds> max_time;
  for (Tries tries(demand.until);;) {
    auto checkout = check_out(primary_, Use::own, demand, max_time.has_value());
    if (!checkout) return checkout.error();
    ServerConnection& connection = **checkout;
    if (!max_time) max_time = demand.until - reactor_.now();
    const bool numbers = target_.uri->retry_writes && connection.server().transactions;
    if (numbered && !numbers) return away("the primary has no sessions");
    Sent sent;
    const auto tail = [&](BsonWriter& bson) {
      bson.string("$db", target_.uri->database);
      write_concern(bson, false, std::nullopt);
      if (numbers) write_transaction(bson, session);
    };
    auto answer = ask(connection, command, tail, demand.until, sent, max_time);
    tell(refused_writes_, answer);
    if (answer && answer->error && answer->error->is_state_change()) primary_.dismiss(connection, answer->error->message);
    if (answer) note_write(answer->view);
    demand.wrote = demand.wrote || (answer ? may_have_written(*answer) : sent.reached);
    checkout->end();
    const bool failed = answer ? answer->error.has_value() : true;
    const bool retryable = failed && (answer ? answer->error->is_retryable_write() : is_broken(answer.error()));
    const bool harmless = !answer && !sent.reached;  // no server has seen it
    numbered = numbered || (numbers && sent.reached);
    if (!retryable || (!numbers && !harmless) || !tries.again()) {
      if (answer) sessions_.give_back(session, reactor_.now());
      return answer;
    }
  }
}

Result<bool> Client::has_transactions(const Demand& demand) {
  const auto checkout = check_out(primary_, Use::shared, demand, false);
  if (!checkout) return checkout.error();
  return (*checkout)->server().transactions;
}

Result<Answer> Transaction::run(Command command) {
  Client::Sent sent;
  const auto tail = [&](BsonWriter& bson) {
    bson.string("$db", client_.uri().database);
    write_transaction(bson, session_);
    bson.boolean("autocommit", false);
    if (!std::exchange(begun_, true)) bson.boolean("startTransaction", true);
  };
  auto answer = client_.ask(*checkout_, command, tail, until_, sent);
  client_.tell(client_.refused_writes_, answer);
  if (!answer) {
    again_ = is_broken(answer.error());
    return answer;
  }
  if (answer->error) {
    too_old_ = answer->error->code == kTransactionTooOld;
    again_ = too_old_ || answer->error->transient_transaction || answer->error->is_state_change();
    if (answer->error->is_state_change()) client_.primary_.dismiss(*checkout_, answer->error->message);
  }
  if (const auto token = find(answer->reply.document(), "recoveryToken")) recovery_token_ = token->value;
  return answer;
}

/// In one session, so that a server ends what it has of an earlier attempt when it sees a later one.
Result<void> Client::transact(FunctionRef<Result<void>(Transaction&)> body, const Demand& demand,
                              std::optional<std::string_view> name) {
  Session session = name ? session_of(*name) : sessions_.take(reactor_.now());
  for (Tries tries(demand.until);; ++session.transaction) {
    auto checkout = check_out(primary_, Use::own, demand, false);
    if (!checkout) return checkout.error();
    Transaction transaction(*this, std::move(*checkout), session, demand.until);
    auto done = body(transaction);
    if (done) {
      demand.wrote = true;
      done = transaction.commit();
    } else {
      transaction.abort();
    }
    const bool over = done || !transaction.again_;
    if (over && transaction.ended_) name ? end_session(session) : sessions_.give_back(session, reactor_.now());
    if (over) return done;
    if (transaction.too_old_ && name) {
      session = sessions_.take(reactor_.now());
      name.reset();
    }
    transaction.checkout_.end();
    if (!tries.again()) return done;
  }
}

void Client::end_session(const Session& session) {
  if (ended_sessions_.empty()) telling_->arm(reactor_.now() + kTellingPause);
  ended_sessions_.push_back(session);
  if (ended_sessions_.size() >= kManySessions) tell_ended_sessions();
}

/// Nobody waits for the answer: a server forgets by itself what was not used for 30 minutes.
/// https://github.com/mongodb/specifications/blob/master/source/sessions/driver-sessions.md (endSessions)
void Client::tell_ended_sessions() {
  telling_->disarm();
  const auto ended = std::exchange(ended_sessions_, {});
  ServerConnection* const connection = primary_.any();
  if (connection == nullptr || ended.empty()) return;
  (void)connection->connection().send([&](std::string& out) {
    append_command(out, connection->sequence(), [&](BsonWriter& bson) {
      bson.array("endSessions", [&] {
        std::size_t index = 0;
        for (const Session& session : ended) {
          bson.document(IndexName(index++).view(), [&] { bson.uuid("id", session.id); });
        }
      });
      bson.string("$db", "admin");
    });
  });
}

/// The transaction's; where that is lost, another one. A router learns from the token where the transaction is; as long as no
/// reply brought one, only the router knows of it at which it began.
Result<ServerConnection*> Transaction::connection_to_end() {
  const bool only_there = server_.router && recovery_token_.empty();
  if (checkout_.is_usable() && (!only_there || checkout_->server().address == server_.address)) return &*checkout_;
  checkout_.end();
  if (only_there) {
    const fiber::TimeLimit limit(kEnding);
    auto router = client_.primary_.connect_to(server_.address);
    if (!router) return router.error();
    router_ = std::move(*router);
    return router_.get();
  }
  auto other = client_.primary_.check_out(Use::own);
  if (!other) return other.error();
  checkout_ = std::move(*other);
  return &*checkout_;
}

Result<Answer> Transaction::end(std::string_view command, FunctionRef<void(BsonWriter& bson, Milliseconds time)> options) {
  const auto connection = connection_to_end();
  if (!connection) return connection.error();
  const Monotonic now = client_.reactor_.now();
  const Milliseconds time = std::max(until_ - now, kEnding);
  const auto tail = [&](BsonWriter& bson) {
    bson.string("$db", "admin");
    write_transaction(bson, session_);
    bson.boolean("autocommit", false);
    if (!recovery_token_.empty()) bson.raw("recoveryToken", recovery_token_);
    options(bson, time);
  };
  Client::Sent sent;
  auto answer = client_.ask(
      **connection, [&](BsonWriter& bson) { bson.int32(command, 1); }, tail, now + time, sent);
  client_.tell(client_.refused_writes_, answer);
  if (answer && answer->error && answer->error->is_state_change()) {
    client_.primary_.dismiss(**connection, answer->error->message);
  }
  if (answer) client_.note_write(answer->view);
  ended_ = answer && (!answer->error || answer->error->code == kNoSuchTransaction);
  return answer;
}

/// Repeated until it is known how it ended: a commit that was done is done once.
Result<void> Transaction::commit() {
  Tries tries(fiber::deadline());
  for (bool repeated = false;; repeated = true) {
    const auto concern = [&](BsonWriter& bson, Milliseconds time) { client_.write_concern(bson, repeated, time); };
    const auto answer = end("commitTransaction", concern);
    if (answer && !answer->error) return {};
    bool retryable = !answer && is_broken(answer.error());
    if (answer) {
      const ServerError& error = *answer->error;
      again_ = error.transient_transaction;
      retryable = !again_ && (error.unknown_commit || error.is_retryable_write());
    }
    if (answer && answer->error->code == kTransactionTooOld) return away("nobody knows how a transaction ended");
    if (!retryable || !tries.again()) return answer ? answer->error->failure() : answer.error();
  }
}

/// So that nothing stands in the way of the next attempt, or of others. A server ends by itself what it hears no more of,
/// within a minute.
void Transaction::abort() {
  if (begun_) (void)end("abortTransaction", [](BsonWriter& /*bson*/, Milliseconds /*time*/) {});
}

}  // namespace nacre::mongo
