#include <algorithm>

#include "store/sqlite/lane.h"

namespace nacre::store::sqlite {
namespace {

constexpr Milliseconds kReadBudget{2};  // a slow list must not hold up those behind it
constexpr Milliseconds kWriteBudget{20};
constexpr Milliseconds kLockPatience{500};  // others of this nginx hold the write lock for less

Failure too_late() { return {Error::deadline, "the store did not answer in time"}; }

/// A full or failing disk makes SQLite give the whole transaction up.
Failure rolled_back() { return {Error::unavailable, "the store is away"}; }

/// Not begun, and nobody waits for it any more.
bool skip(Call& call, Monotonic now) {
  if (now < call.deadline && !call.abandoned.load(std::memory_order_relaxed)) return false;
  call.fail(too_late());
  return true;
}

void fail_all(const Batch& batch, const Failure& failure) {
  for (const auto& call : batch) call->fail(failure);
}

Monotonic last_deadline(const Batch& batch) {
  Monotonic last{};
  for (const auto& call : batch) last = std::max(last, call->deadline);
  return last;
}

Result<void> run_fixed(Connection& connection, const std::string& sql) { return Run(connection, sql).finish(); }

const std::string begin_sql = "BEGIN";
const std::string begin_immediate_sql = "BEGIN IMMEDIATE";
const std::string commit_sql = "COMMIT";
const std::string rollback_sql = "ROLLBACK";
const std::string savepoint_sql = "SAVEPOINT call";
const std::string release_sql = "RELEASE call";
const std::string undo_sql = "ROLLBACK TO call";
const std::string read_sql = "PRAGMA schema_version";

/// Runs a call of a transaction, whole or not at all. An error: the transaction can't go on.
Result<void> run_whole(Connection& connection, Call& call) {
  if (call.is_one_statement()) {
    call.run(connection);
    const auto failure = call.failure();
    // An error of the file may have come between the statement's own writes.
    if (failure && (failure->error == Error::unavailable || connection.autocommit())) return *failure;
    return {};
  }
  if (auto set = run_fixed(connection, savepoint_sql); !set) return set;
  call.run(connection);
  const auto failure = call.failure();
  if (connection.autocommit()) return failure ? *failure : rolled_back();
  if (failure) {
    if (auto undone = run_fixed(connection, undo_sql); !undone) return undone;
  }
  return run_fixed(connection, release_sql);
}

}  // namespace

void Health::failed(const Failure& failure) {
  if (failure.error == Error::internal && !defect_told_.exchange(true)) log_.error(fails_ + ": " + failure.internal);
  const bool repeats = failure.internal.empty();  // for the time being, what was told before
  if (failure.error == Error::unavailable && !repeats) begin(failure);
}

void Health::locked(const Failure& failure) {
  if (failure.error == Error::deadline) begin(failure);
}

std::size_t Reads::run(Connection& connection, const Batch& batch) {
  auto begun = connection.ready();
  if (begun) {
    connection.limit(last_deadline(batch), nullptr);
    if (!connection.autocommit()) begun = run_fixed(connection, commit_sql);  // of the loop's reads
    if (begun) begun = run_fixed(connection, begin_sql);
  }
  if (!begun) {
    health_.failed(begun.error());
    health_.locked(begun.error());
    fail_all(batch, begun.error());
    return batch.size();
  }
  const Monotonic start = monotonic_now();
  Monotonic now = start;
  std::size_t done = 0;
  bool any_worked = false;
  for (; done < batch.size() && (done == 0 || now - start < kReadBudget); ++done, now = monotonic_now()) {
    Call& call = *batch[done];
    if (skip(call, now)) continue;
    connection.limit(call.deadline, &call.abandoned);
    call.run(connection);
    if (const auto failure = call.failure()) {
      health_.failed(*failure);
    } else {
      any_worked = true;
    }
  }
  connection.limit(last_deadline(batch), nullptr);
  if (auto ended = run_fixed(connection, commit_sql); !ended) health_.failed(ended.error());
  if (any_worked) health_.worked();
  return done;
}

std::size_t Writes::run(Connection& connection, const Batch& batch) {
  const auto fail = [&](const Failure& failure) {
    if (connection.handle() != nullptr && !connection.autocommit()) (void)run_fixed(connection, rollback_sql);
    health_.failed(failure);
    fail_all(batch, failure);
    return batch.size();
  };
  if (auto ready = connection.ready(); !ready) {
    health_.locked(ready.error());
    return fail(ready.error());
  }
  connection.limit(last_deadline(batch), nullptr);
  if (batch.front()->alone()) {
    batch.front()->run(connection);
    return 1;
  }
  const Monotonic asked = monotonic_now();
  if (auto begun = run_fixed(connection, begin_immediate_sql); !begun) {
    if (monotonic_now() - asked >= kLockPatience) health_.locked(begun.error());
    return fail(begun.error());
  }
  const Monotonic start = monotonic_now();
  Monotonic now = start;
  std::size_t done = 0;
  bool any_worked = false;
  for (; done < batch.size() && (done == 0 || now - start < kWriteBudget); ++done, now = monotonic_now()) {
    Call& call = *batch[done];
    if (call.alone()) break;
    if (skip(call, now)) continue;
    if (auto whole = run_whole(connection, call); !whole) return fail(whole.error());
    const auto failure = call.failure();
    if (failure) health_.failed(*failure);
    any_worked = any_worked || !failure;
  }
  if (connection.autocommit()) return fail(rolled_back());
  for (std::size_t i = 0; i < done; ++i) {
    const auto failure = batch[i]->failure();
    batch[i]->wrote = !failure || failure->error == Error::remembered;
  }
  if (auto committed = run_fixed(connection, commit_sql); !committed) return fail(committed.error());
  (void)run_fixed(connection, read_sql);  // so that the next read is not the first of this snapshot: see LoopReads
  if (any_worked) health_.worked();
  return done;
}

}  // namespace nacre::store::sqlite
