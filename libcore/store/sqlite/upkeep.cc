#include "store/sqlite/upkeep.h"

#include <utility>

#include "base/thrown.h"

namespace nacre::store::sqlite {
namespace {

constexpr Milliseconds kStepTimeout{1'000};  // to wait for other writers' locks
constexpr Milliseconds kLater{1'000};
constexpr Milliseconds kCheckTimeout{10LL * 60 * 1000};

}  // namespace

class Upkeep::Step final : public Call {
 public:
  Step(std::shared_ptr<Blueprint> blueprint, std::weak_ptr<Upkeep> upkeep)
      : blueprint_(std::move(blueprint)), upkeep_(std::move(upkeep)) {
    deadline = monotonic_now() + kStepTimeout;
  }
  bool alone() const noexcept override { return true; }
  void run(Connection& connection) noexcept override {
    try {
      progress_ = blueprint_->step(connection);
    } catch (...) {
      progress_ = thrown_failure();
    }
  }
  void fail(Failure failure) override { progress_ = std::move(failure); }
  std::optional<Failure> failure() const override {
    if (progress_) return std::nullopt;
    return progress_.error();
  }
  void done() override {
    if (const auto upkeep = upkeep_.lock()) upkeep->took(progress_);
  }

 private:
  const std::shared_ptr<Blueprint> blueprint_;
  const std::weak_ptr<Upkeep> upkeep_;
  Result<Blueprint::Progress> progress_ = Failure(Error::internal);
};

class Upkeep::Check final : public Call {
 public:
  Check(std::shared_ptr<Blueprint> blueprint, std::weak_ptr<Upkeep> upkeep, Blueprint::Unchecked what)
      : blueprint_(std::move(blueprint)), upkeep_(std::move(upkeep)), what_(std::move(what)) {
    deadline = monotonic_now() + kCheckTimeout;
  }
  void run(Connection& connection) noexcept override {
    try {
      failure_.reset();
      Run run(connection, "PRAGMA integrity_check(" + in_quotes(what_.table, '"') + ")");
      if (run.step()) {
        blueprint_->set_checked(what_.index, run.text(0) == "ok");
      } else {
        failure_ = run.failure();
      }
    } catch (...) {
      failure_ = thrown_failure();
    }
  }
  void fail(Failure failure) override { failure_ = std::move(failure); }
  std::optional<Failure> failure() const override { return failure_; }
  void done() override {
    const auto upkeep = upkeep_.lock();
    if (upkeep && !failure_) upkeep->step();  // which takes the result; a failed check is begun anew when its time is over
  }

 private:
  const std::shared_ptr<Blueprint> blueprint_;
  const std::weak_ptr<Upkeep> upkeep_;
  const Blueprint::Unchecked what_;
  std::optional<Failure> failure_;
};

Upkeep::Upkeep(Reactor& reactor, std::shared_ptr<Blueprint> blueprint, std::shared_ptr<Queue> writes,
               std::shared_ptr<Queue> checks, Milliseconds pause)
    : reactor_(reactor),
      blueprint_(std::move(blueprint)),
      writes_(std::move(writes)),
      checks_(std::move(checks)),
      pause_(pause),
      timer_(reactor.background_timer([this] { step(); })) {}

void Upkeep::step() {
  if (std::exchange(under_way_, true)) return;
  if (writes_->submit(std::make_shared<Step>(blueprint_, weak_from_this()))) return;
  under_way_ = false;
  timer_->arm(reactor_.now() + kLater);
}

void Upkeep::took(const Result<Blueprint::Progress>& progress) {
  under_way_ = false;
  if (auto unchecked = blueprint_->take_unchecked()) {
    (void)checks_->submit(std::make_shared<Check>(blueprint_, weak_from_this(), std::move(*unchecked)));
  }
  if (!progress || *progress == Blueprint::Progress::later) {
    timer_->arm(reactor_.now() + kLater);
  } else if (*progress == Blueprint::Progress::more) {
    timer_->arm(reactor_.now() + pause_);
  }
}

}  // namespace nacre::store::sqlite
