#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/function_ref.h"
#include "base/last_write.h"
#include "base/log.h"
#include "mongo/monitor.h"
#include "mongo/reply.h"
#include "mongo/servers.h"
#include "mongo/session.h"

namespace nacre::mongo {

/// Writes the elements of a command that say what is to be done, its name first. Called again for each try.
using Command = FunctionRef<void(BsonWriter& bson)>;

/// What a server answered.
struct Answer {
  Reply reply;
  ReplyView view;                    ///< into `reply`
  std::optional<ServerError> error;  ///< after all tries
};

/// How long what changes something is wanted: it is begun before `until`, and only while somebody waits for it.
struct Demand {
  Monotonic until{};
  bool over = false;  ///< nobody waits any more
  /// Set by what is given the demand: something was changed, or may have been.
  mutable bool wrote = false;
};

class Transaction;

/// Commands to MongoDB, tried again as the specifications of its drivers have it, for as long as the fiber's deadline allows:
/// https://github.com/mongodb/specifications (retryable-reads, retryable-writes, transactions).
///
/// On fibers only. Errors of all calls: Error::deadline, Error::cancelled, Error::overloaded, Error::unavailable. What the
/// server refuses is an Answer.
class Client {
 public:
  /// `call_timeout`: how long a command may take. `of_host`: where its workers tell each other what they wrote; nullptr: they
  /// don't.
  Client(Reactor& reactor, Target target, Milliseconds call_timeout, const Listeners& listeners, LastWrite* of_host = nullptr);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Begins to connect.
  void start();

  struct ReadOptions {
    Role role = Role::reader;  ///< the server that the read preference says, or the primary
    Use use = Use::own;        ///< of a connection
    bool concern = true;       ///< with the URI's read concern, which not all commands take
  };
  /// A command that changes nothing.
  Result<Answer> read(Command command, const ReadOptions& options = {Role::reader, Use::own, true});

  /// One that writes one document, or several: with `lsid` and `txnNumber` where the server knows them, so that it is applied
  /// once. What was begun is waited for until the fiber's deadline.
  Result<Answer> write(Command command, const Demand& demand);

  /// Whether the primary has transactions; a server that is no member of a replica set has none.
  Result<bool> has_transactions(const Demand& demand);

  /// Runs `body` in a transaction, again from its beginning while the server asks for that, and commits. What `body` fails with
  /// ends it. `name`: of what is done once, whoever does it; what a killed worker left of it stands in nobody's way then.
  Result<void> transact(FunctionRef<Result<void>(Transaction&)> body, const Demand& demand,
                        std::optional<std::string_view> name = std::nullopt);

  bool is_away() const noexcept { return primary_.is_away(); }  ///< no connection to the primary is open
  /// Why lists and writes have no connection and get none, though the server is there; std::nullopt: they have.
  std::optional<Failure> without_pool() const { return primary_.without_pool(); }
  Usage usage() const noexcept;
  const Uri& uri() const noexcept { return *target_.uri; }

 private:
  friend class Transaction;
  struct Sent {
    bool reached = false;  ///< the server may have got it
  };

  /// `max_time`: that the server is told, in place of the time left.
  Result<Answer> ask(ServerConnection& connection, Command command, Command tail, Monotonic until, Sent& sent,
                     std::optional<Milliseconds> max_time = std::nullopt);
  /// Tells operators of what the server refuses until somebody sees to it.
  static void tell(Outage& refused, const Result<Answer>& answer);
  /// Keeps what orders the operations of several members, where there are any but the primary to be read from.
  void note_time(std::string_view cluster_time);
  void note_write(const ReplyView& view);
  void forget_times();
  /// What other workers have written since.
  void learn_writes();
  void write_read_tail(BsonWriter& bson, const Server& server, const ReadOptions& options) const;
  void write_concern(BsonWriter& bson, bool again, std::optional<Milliseconds> most) const;
  /// Nobody uses it any more: servers are told so, with others.
  void end_session(const Session& session);
  void tell_ended_sessions();
  void follow(const Choice& choice);

  Reactor& reactor_;
  const Target target_;
  const Listeners listeners_;
  Outage refused_reads_{listeners_.log, "MongoDB refuses reads"};
  Outage refused_writes_{listeners_.log, "MongoDB refuses writes"};
  Servers primary_;
  std::unique_ptr<Servers> readers_;  ///< nullptr: the primary is read from
  std::unique_ptr<Monitor> monitor_;  ///< nullptr: there are no members but the one that the URI names
  Sessions sessions_;
  std::vector<Session> ended_sessions_;  ///< of which servers are to be told
  std::unique_ptr<Timer> telling_;
  std::string cluster_time_;         ///< the latest `$clusterTime` that a server gave: BSON, or empty
  std::uint64_t cluster_clock_ = 0;  ///< the timestamp in it
  std::uint64_t written_ = 0;        ///< `operationTime` of the last write: what is read later must not be before it
  LastWrite* const of_host_;
  const std::uint64_t deployment_;  ///< tells it from others in `of_host_`
};

/// A transaction that is under way: on one connection, and so at one router of a sharded cluster.
/// https://github.com/mongodb/specifications/blob/master/source/transactions/transactions.md
class Transaction {
 public:
  /// The server's refusal ends the transaction; so does Error::unavailable.
  Result<Answer> run(Command command);

 private:
  friend class Client;
  Transaction(Client& client, Checkout checkout, const Session& session, Monotonic until)
      : client_(client), checkout_(std::move(checkout)), server_(checkout_->server()), session_(session), until_(until) {}

  Result<void> commit();
  void abort();
  Result<ServerConnection*> connection_to_end();
  Result<Answer> end(std::string_view command, FunctionRef<void(BsonWriter& bson, Milliseconds time)> options);

  Client& client_;
  Checkout checkout_;
  const Server server_;                       ///< where it begins
  std::unique_ptr<ServerConnection> router_;  ///< there, when the checkout's connection is lost
  const Session& session_;
  const Monotonic until_;
  std::string recovery_token_;  ///< a router's BSON document, or empty
  bool begun_ = false;
  bool ended_ = false;    ///< committed or aborted, which the server has confirmed
  bool again_ = false;    ///< what failed may work in another transaction
  bool too_old_ = false;  ///< somebody else uses the session with a later number
};

}  // namespace nacre::mongo
