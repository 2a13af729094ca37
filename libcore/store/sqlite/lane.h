#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/thrown.h"
#include "fiber/fiber.h"
#include "store/sqlite/connection.h"
#include "store/store.h"

namespace nacre::store::sqlite {

/// One operation of a fiber: it waits in a queue, runs on a thread in a batch with others, and wakes its fiber. It owns all
/// that it touches there, for its fiber may be gone by then.
class Call {
 public:
  virtual ~Call() = default;
  /// On the thread, inside the batch's transaction.
  virtual void run(Connection& connection) noexcept = 0;
  /// Whether it is a write that runs outside of any transaction, with no other one.
  virtual bool alone() const noexcept { return false; }
  /// Whether it is a write of one statement: SQLite leaves nothing of one that it refuses.
  virtual bool is_one_statement() const noexcept { return false; }
  /// Afterwards, on the loop.
  virtual void done() {}
  virtual void fail(Failure failure) = 0;
  /// How it failed; nullopt when it did not.
  virtual std::optional<Failure> failure() const = 0;
  /// To be called on the fiber whose deadline is its own.
  void take_deadline() { deadline = monotonic_now() + (fiber::deadline() - fiber::reactor().now()); }

  Monotonic deadline{};                 ///< of the system's clock, which the loop's may be behind of
  std::atomic<bool> abandoned = false;  ///< nobody waits for it any more
  bool wrote = false;                   ///< or may have, or is answered with what was written before
  fiber::Event finished;
};

/// A call that gives a T.
template <class T>
class ResultCall : public Call {
 public:
  void run(Connection& connection) noexcept final {
    try {
      result = work(connection);
    } catch (...) {
      result = thrown_failure();
    }
  }
  void fail(Failure failure) final { result = std::move(failure); }
  std::optional<Failure> failure() const final {
    if (result) return std::nullopt;
    return result.error();
  }

  Result<T> result = Failure(Error::internal);

 private:
  virtual Result<T> work(Connection& connection) = 0;
};

/// The same with the work as a closure.
template <class T, class Work>
class TypedCall final : public ResultCall<T> {
 public:
  explicit TypedCall(Work work) : work_(std::move(work)) {}
  const Work& operation() const noexcept { return work_; }
  bool is_one_statement() const noexcept override {
    if constexpr (requires { work_.is_one_statement(); }) return work_.is_one_statement();
    return false;
  }

 private:
  Result<T> work(Connection& connection) override { return work_(connection); }

  Work work_;
};

/// Tells operators when a part of the store stops to work and when it works again, and of the first statement that SQLite
/// refuses: one line each. From any thread.
class Health {
 public:
  Health(const std::string& part, const Log& log)
      : log_(log), fails_(part + " fail"), outage_(log, fails_, part + " work again") {}
  void failed(const Failure& failure);
  /// The file's write lock was not to be had, which a program beside nginx holds then.
  void locked(const Failure& failure);
  void worked() { outage_.back(); }

 private:
  void begin(const Failure& failure) { outage_.lost(failure.internal.empty() ? failure.detail : failure.internal); }

  const Log log_;
  const std::string fails_;
  Outage outage_;
  std::atomic<bool> defect_told_ = false;
};

/// Calls that run on one connection in one transaction.
using Batch = std::vector<std::shared_ptr<Call>>;

/// The transaction that a batch runs in.
class Transactions {
 public:
  virtual ~Transactions() = default;
  /// On a thread. Runs the calls of the batch in their order, and returns how many it has dealt with: it may stop early to
  /// bound its time. Those are to be answered now, the others wait for the next batch.
  virtual std::size_t run(Connection& connection, const Batch& batch) = 0;
  /// Afterwards, on the loop.
  virtual void done(const Connection& /*connection*/) {}
};

/// Reads of a batch share a snapshot.
class Reads final : public Transactions {
 public:
  explicit Reads(Health& health) : health_(health) {}
  std::size_t run(Connection& connection, const Batch& batch) override;

 private:
  Health& health_;
};

/// Writes of a batch share a commit (group commit), each under a savepoint of its own unless it is one statement. An error of
/// the disk fails them all.
class Writes final : public Transactions {
 public:
  /// `written` is told, on the loop, how many pages the log has after a batch.
  Writes(Health& health, std::function<void(int log_pages)> written) : health_(health), written_(std::move(written)) {}
  std::size_t run(Connection& connection, const Batch& batch) override;
  void done(const Connection& connection) override { written_(connection.log_pages()); }

 private:
  Health& health_;
  const std::function<void(int log_pages)> written_;
};

/// Calls that wait, and the lanes that take them: each has a connection and at most one batch on the thread pool. What comes
/// in one turn of the loop goes together. Loop's thread only.
class Queue : public std::enable_shared_from_this<Queue> {
 public:
  struct Options {
    std::size_t limit = 4096;      ///< calls that may wait
    std::size_t batch_size = 256;  ///< calls that go together
  };

  Queue(Reactor& reactor, Options options) : reactor_(reactor), options_(options) {}
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// `owner` holds whatever the connection and the transactions refer to.
  void add_lane(std::shared_ptr<Transactions> transactions, std::unique_ptr<Connection> connection,
                std::shared_ptr<void> owner);

  /// Error::overloaded when too many wait.
  Result<void> submit(std::shared_ptr<Call> call);

  /// The connection of a lane that has no batch, where it is open: for what the loop does at once (NoWait). nullptr: none.
  Connection* idle_connection() const noexcept;

  /// Submits, and waits for it to finish, within the fiber's deadline. After an error the call may still run.
  Result<void> run(const std::shared_ptr<Call>& call);

 private:
  class Lane;

  void flush();
  void fill(Batch& batch, std::size_t share);
  static void end(Call& call, Failure failure);
  void refuse();
  void put_back(Batch batch, std::size_t from);
  void come_back(Batch batch, std::size_t finished);

  Reactor& reactor_;
  const Options options_;
  std::deque<std::shared_ptr<Call>> waiting_;
  std::vector<std::shared_ptr<Lane>> lanes_;
  Task flushing_{[this] { flush(); }};
};

}  // namespace nacre::store::sqlite
