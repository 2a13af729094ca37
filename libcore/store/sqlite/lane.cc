#include "store/sqlite/lane.h"

#include <algorithm>
#include <utility>

namespace nacre::store::sqlite {

/// A connection and the batch that it works on. While that is on the pool, the lane keeps itself alive.
class Queue::Lane final : public ThreadJob {
 public:
  Lane(std::shared_ptr<Transactions> transactions, std::unique_ptr<Connection> connection, std::shared_ptr<void> owner)
      : owner_(std::move(owner)), transactions_(std::move(transactions)), connection_(std::move(connection)) {}

  bool idle() const { return self_ == nullptr; }

  /// nullptr while it is used or not open.
  Connection* idle_connection() const { return idle() && connection_->is_open() ? connection_.get() : nullptr; }

  void run() noexcept override { finished_ = transactions_->run(*connection_, batch_); }

  void done() noexcept override {
    const auto self = std::exchange(self_, nullptr);  // idle from here on: the queue may fill the lane again at once
    Batch batch = std::exchange(batch_, {});
    for (std::size_t i = 0; i < finished_; ++i) {
      batch[i]->finished.set();
      batch[i]->done();
    }
    transactions_->done(*connection_);
    if (const auto queue = queue_.lock()) queue->come_back(std::move(batch), finished_);
  }

  Batch batch_;
  std::shared_ptr<Lane> self_;
  std::weak_ptr<Queue> queue_;

 private:
  std::shared_ptr<void> owner_;
  std::shared_ptr<Transactions> transactions_;
  std::unique_ptr<Connection> connection_;
  std::size_t finished_ = 0;
};

Queue::~Queue() = default;

void Queue::add_lane(std::shared_ptr<Transactions> transactions, std::unique_ptr<Connection> connection,
                     std::shared_ptr<void> owner) {
  lanes_.push_back(std::make_shared<Lane>(std::move(transactions), std::move(connection), std::move(owner)));
  lanes_.back()->queue_ = weak_from_this();
}

Result<void> Queue::submit(std::shared_ptr<Call> call) {
  if (waiting_.size() >= options_.limit) return Failure(Error::overloaded, "too many operations wait for the store");
  waiting_.push_back(std::move(call));
  reactor_.post_last(flushing_);
  return {};
}

Result<void> Queue::run(const std::shared_ptr<Call>& call) {
  call->take_deadline();
  if (auto submitted = submit(call); !submitted) return submitted;
  auto waited = call->finished.wait();
  if (!waited) call->abandoned.store(true, std::memory_order_relaxed);
  return waited;
}

Connection* Queue::idle_connection() const noexcept {
  for (const auto& lane : lanes_) {
    if (Connection* const connection = lane->idle_connection()) return connection;
  }
  return nullptr;
}

/// Shares what waits among the idle lanes. What the pool refuses waits for a lane that is at work to come back; where none is,
/// nothing would ever wake it, and it is refused.
void Queue::flush() {
  const auto is_idle = [](const auto& lane) { return lane->idle(); };
  auto idle = static_cast<std::size_t>(std::count_if(lanes_.begin(), lanes_.end(), is_idle));
  for (const auto& lane : lanes_) {
    if (!lane->idle()) continue;
    fill(lane->batch_, (waiting_.size() + idle - 1) / idle);
    --idle;
    if (lane->batch_.empty()) return;
    lane->self_ = lane;
    if (reactor_.run_on_thread(*lane)) continue;
    lane->self_.reset();
    put_back(std::exchange(lane->batch_, {}), 0);
    if (std::all_of(lanes_.begin(), lanes_.end(), is_idle)) refuse();
    return;
  }
}

void Queue::end(Call& call, Failure failure) {
  call.fail(std::move(failure));
  call.finished.set();
  call.done();
}

void Queue::refuse() {
  for (const auto& call : std::exchange(waiting_, {})) end(*call, {Error::overloaded, "too much work is waiting"});
}

void Queue::fill(Batch& batch, std::size_t share) {
  share = std::min(share, options_.batch_size);
  while (!waiting_.empty() && batch.size() < share) {
    const std::shared_ptr<Call> call = std::move(waiting_.front());
    waiting_.pop_front();
    if (call->abandoned.load(std::memory_order_relaxed)) {
      end(*call, Failure(Error::cancelled));
    } else {
      batch.push_back(call);
    }
  }
}

void Queue::put_back(Batch batch, std::size_t from) {
  for (std::size_t i = batch.size(); i > from; --i) waiting_.push_front(std::move(batch[i - 1]));
}

void Queue::come_back(Batch batch, std::size_t finished) {
  put_back(std::move(batch), finished);
  if (!waiting_.empty() && !flushing_.is_linked()) flush();
}

}  // namespace nacre::store::sqlite
