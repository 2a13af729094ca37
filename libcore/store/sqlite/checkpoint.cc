#include "store/sqlite/checkpoint.h"

#include <utility>

namespace nacre::store::sqlite {
namespace {

constexpr int kCheckpointPages = 1'000;  // of the log, from which on it is worked off

}  // namespace

class Checkpoint::Step final : public Call {
 public:
  explicit Step(std::weak_ptr<Checkpoint> checkpoint) : checkpoint_(std::move(checkpoint)) {}
  bool alone() const noexcept override { return true; }
  void run(Connection& connection) noexcept override { connection.checkpoint(); }
  void fail(Failure failure) override { failure_ = std::move(failure); }
  std::optional<Failure> failure() const override { return failure_; }
  void done() override {
    if (const auto checkpoint = checkpoint_.lock()) checkpoint->took();
  }

 private:
  const std::weak_ptr<Checkpoint> checkpoint_;
  std::optional<Failure> failure_;
};

void Checkpoint::written(int log_pages) {
  if (log_pages < kCheckpointPages) return;
  again_ = under_way_;
  if (under_way_) return;
  under_way_ = queue_->submit(std::make_shared<Step>(weak_from_this())).has_value();
}

void Checkpoint::took() {
  under_way_ = false;
  if (std::exchange(again_, false)) written(kCheckpointPages);
}

}  // namespace nacre::store::sqlite
