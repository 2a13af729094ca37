#include "mongo/client.h"

#include <sodium.h>

#include <algorithm>

namespace nacre::mongo {
namespace {

/// Tries of one operation: the second one at once, later ones after pauses that double, with jitter.
class Tries {
 public:
  explicit Tries(Monotonic until) : until_(until) {}

  /// Whether there is time for one more.
  bool again() {
    constexpr std::int64_t kFirst = 10;
    constexpr std::uint32_t kMostDoublings = 5;
    if (tried_++ > 0) {
      const auto most = static_cast<std::uint32_t>(kFirst << std::min(tried_ - 2, kMostDoublings));
      if (!fiber::sleep(Milliseconds{most / 2 + randombytes_uniform(most / 2 + 1)})) return false;
    }
    return fiber::reactor().now() < until_ && !fiber::cancelled();
  }

 private:
  const Monotonic until_;
  std::uint32_t tried_ = 0;
};

/// Waits no longer than for what may still be begun.
Result<PooledConnection*> acquire(Pool& pool, Monotonic until) {
  const fiber::TimeLimit limit(std::max(until - fiber::reactor().now(), Milliseconds{0}));
  return pool.acquire();
}

Failure too_late() { return {Error::deadline, "the store did not answer in time"}; }

bool is_broken(const Failure& failure) { return failure.error == Error::unavailable; }

void write_transaction(BsonWriter& bson, const Session& session) {
  session.write_id(bson);
  bson.int64("txnNumber", session.transaction);
}

}  // namespace

Client::Client(Reactor& reactor, Target target, Milliseconds call_timeout, const Listeners& listeners)
    : reactor_(reactor),
      target_(std::move(target)),
      threads_(reactor, target_.uri->max_connecting),
      primary_(reactor, threads_, target_, Role::primary, call_timeout, listeners) {
  if (!target_.uri->read_preference.is_primary()) {
    readers_ = std::make_unique<Pool>(reactor, threads_, target_, Role::reader, call_timeout, listeners);
  }
}

Pool::Usage Client::usage() const noexcept {
  Pool::Usage usage = primary_.usage();
  if (!readers_) return usage;
  const Pool::Usage more = readers_->usage();
  return {.idle = usage.idle + more.idle,
          .busy = usage.busy + more.busy,
          .connecting = usage.connecting + more.connecting,
          .waiting = usage.waiting + more.waiting};
}

void Client::start() {
  primary_.start();
  if (readers_) readers_->start();
}

Result<Answer> Client::ask(PooledConnection& pooled, Command command, Command tail, Monotonic until, bool in_transaction,
                           Sent& sent, std::optional<Milliseconds> max_time) {
  const Milliseconds left = until - reactor_.now();
  if (left <= Milliseconds{0}) return too_late();
  const auto encode = [&](std::string& out) {
    append_command(out, pooled.sequence(), [&](BsonWriter& bson) {
      command(bson);
      if (!in_transaction) bson.int64("maxTimeMS", max_time.value_or(left).count());
      tail(bson);
    });
  };
  net::Connection<Codec>::Call call(pooled.connection(), encode);
  auto reply = call.wait();
  sent.reached = call.sent();
  if (!reply) {
    if (is_broken(reply.error())) return away(reply.error().internal);
    if (reply.error().error == Error::deadline) return too_late();
    return reply.error();
  }
  const auto view = ReplyView::read(reply->document());
  if (!view) return view.error();
  return Answer{std::move(*reply), *view, view->error()};
}

/// https://github.com/mongodb/specifications/blob/master/source/server-selection/server-selection.md (passing read preference)
void Client::write_read_tail(BsonWriter& bson, const Server& server, const ReadOptions& options) const {
  const Uri& uri = *target_.uri;
  bson.string("$db", uri.database);
  if (options.concern && !uri.read_concern.empty()) {
    bson.document("readConcern", [&] { bson.string("level", uri.read_concern); });
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

/// `again`: a commit is repeated, and must then be confirmed by a majority (transactions specification).
void Client::write_concern(BsonWriter& bson, bool again) const {
  constexpr std::int64_t kRepeatedTimeout = 10'000;
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
    const std::int64_t timeout = concern.timeout.count() > 0 || !again ? concern.timeout.count() : kRepeatedTimeout;
    if (timeout > 0) bson.int64("wtimeout", timeout);
  });
}

Result<Answer> Client::read(Command command, const ReadOptions& options) {
  Pool& pool = readers_ && options.role == Role::reader ? *readers_ : primary_;
  const Monotonic until = fiber::deadline();
  for (Tries tries(until);;) {
    auto pooled = pool.acquire();
    if (!pooled) return pooled.error();
    Sent sent;
    const auto tail = [&](BsonWriter& bson) { write_read_tail(bson, (*pooled)->server(), options); };
    auto answer = ask(**pooled, command, tail, until, false, sent);
    if (answer ? !answer->error : !is_broken(answer.error())) return answer;
    if (answer && answer->error->is_state_change()) pool.dismiss(**pooled, answer->error->message);
    const bool retryable = answer ? answer->error->is_retryable_read() : true;
    if (!retryable || (!target_.uri->retry_reads && (answer || sent.reached)) || !tries.again()) return answer;
  }
}

Result<Answer> Client::write(Command command, Monotonic until) {
  Session session = sessions_.take(reactor_.now());
  bool numbered = false;  // a try went out with the number: no other may go without
  // The same in each try: a server may know a write again by all of it but the envelope.
  const Milliseconds max_time = std::max(until - reactor_.now(), Milliseconds{1});
  for (Tries tries(until);;) {
    auto pooled = acquire(primary_, until);
    if (!pooled) return pooled.error();
    const bool numbers = target_.uri->retry_writes && (*pooled)->server().transactions;
    if (numbered && !numbers) return away("the primary has no sessions");
    Sent sent;
    const auto tail = [&](BsonWriter& bson) {
      bson.string("$db", target_.uri->database);
      write_concern(bson, false);
      if (numbers) write_transaction(bson, session);
    };
    auto answer = ask(**pooled, command, tail, until, false, sent, max_time);
    if (answer && answer->error && answer->error->is_state_change()) primary_.dismiss(**pooled, answer->error->message);
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

Result<bool> Client::has_transactions(Monotonic until) {
  auto pooled = acquire(primary_, until);
  if (!pooled) return pooled.error();
  return (*pooled)->server().transactions;
}

Result<Answer> Transaction::run(Command command) {
  Client::Sent sent;
  const auto tail = [&](BsonWriter& bson) {
    bson.string("$db", client_.uri().database);
    write_transaction(bson, session_);
    bson.boolean("autocommit", false);
    if (!std::exchange(begun_, true)) bson.boolean("startTransaction", true);
  };
  auto answer = client_.ask(pooled_, command, tail, until_, true, sent);
  if (answer && answer->error) {
    again_ = answer->error->transient_transaction || answer->error->is_state_change();
    if (answer->error->is_state_change()) client_.primary_.dismiss(pooled_, answer->error->message);
  }
  if (!answer) again_ = is_broken(answer.error());
  return answer;
}

Result<void> Client::transact(FunctionRef<Result<void>(Transaction&)> body, Monotonic until) {
  for (Tries tries(until);;) {
    auto pooled = acquire(primary_, until);
    if (!pooled) return pooled.error();
    Session session = sessions_.take(reactor_.now());
    Transaction transaction(*this, **pooled, session, until);
    auto done = body(transaction);
    bool again = transaction.again_;
    if (done) {
      bool transient = false;
      done = commit(session, until, transient);
      again = transient;
      if (done) {
        sessions_.give_back(session, reactor_.now());
        return {};
      }
    } else if (transaction.begun_ && !again) {
      abort(**pooled, session);
    }
    if (!again || !tries.again()) return done;
  }
}

/// Repeated until it is known how it ended: a commit that was done is done once.
Result<void> Client::commit(const Session& session, Monotonic until, bool& transient) {
  Tries tries(fiber::deadline());
  for (bool again = false;; again = true) {
    auto pooled = primary_.acquire();
    if (!pooled) return pooled.error();
    Sent sent;
    const auto command = [](BsonWriter& bson) { bson.int32("commitTransaction", 1); };
    const auto tail = [&](BsonWriter& bson) {
      bson.string("$db", "admin");
      write_transaction(bson, session);
      bson.boolean("autocommit", false);
      write_concern(bson, again);
    };
    const auto answer = ask(**pooled, command, tail, std::max(until, fiber::deadline()), true, sent);
    if (answer && !answer->error) return {};
    bool retryable = !answer && is_broken(answer.error());
    if (answer) {
      const ServerError& error = *answer->error;
      if (error.is_state_change()) primary_.dismiss(**pooled, error.message);
      transient = error.transient_transaction;
      retryable = !transient && (error.unknown_commit || error.is_retryable_write());
    }
    if (!retryable || !tries.again()) return answer ? answer->error->failure() : answer.error();
  }
}

/// Nobody waits for it: a transaction that is not ended ends by itself within a minute.
void Client::abort(PooledConnection& pooled, const Session& session) {
  (void)pooled.connection().send([&](std::string& out) {
    append_command(out, pooled.sequence(), [&](BsonWriter& bson) {
      bson.int32("abortTransaction", 1);
      bson.string("$db", "admin");
      write_transaction(bson, session);
      bson.boolean("autocommit", false);
    });
  });
}

}  // namespace nacre::mongo
