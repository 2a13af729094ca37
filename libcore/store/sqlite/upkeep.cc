#include "store/sqlite/upkeep.h"

#include <utility>

namespace nacre::store::sqlite {
namespace {

constexpr Milliseconds kStepTimeout{1'000};  // to wait for other writers' locks
constexpr Milliseconds kLater{1'000};
constexpr Milliseconds kCheckTimeout{10LL * 60 * 1000};

}  // namespace

class Upkeep::Step final : public ResultCall<Blueprint::Progress> {
 public:
  Step(std::shared_ptr<Blueprint> blueprint, std::weak_ptr<Upkeep> upkeep)
      : blueprint_(std::move(blueprint)), upkeep_(std::move(upkeep)) {
    deadline = monotonic_now() + kStepTimeout;
  }
  bool alone() const noexcept override { return true; }
  void done() override {
    if (const auto upkeep = upkeep_.lock()) upkeep->took(result);
  }

 private:
  Result<Blueprint::Progress> work(Connection& connection) override { return blueprint_->step(connection); }

  const std::shared_ptr<Blueprint> blueprint_;
  const std::weak_ptr<Upkeep> upkeep_;
};

class Upkeep::Check final : public ResultCall<void> {
 public:
  Check(std::shared_ptr<Blueprint> blueprint, std::weak_ptr<Upkeep> upkeep, Blueprint::Unchecked what)
      : blueprint_(std::move(blueprint)), upkeep_(std::move(upkeep)), what_(std::move(what)) {
    deadline = monotonic_now() + kCheckTimeout;
  }
  void done() override {
    const auto upkeep = upkeep_.lock();
    if (upkeep && result) upkeep->step();  // which takes the result; a failed check is begun anew when its time is over
  }

 private:
  Result<void> work(Connection& connection) override {
    Run run(connection, "PRAGMA integrity_check(" + in_quotes(what_.table, '"') + ")");
    if (!run.step()) return run.failure();
    blueprint_->set_checked(what_.index, run.text(0) == "ok");
    return {};
  }

  const std::shared_ptr<Blueprint> blueprint_;
  const std::weak_ptr<Upkeep> upkeep_;
  const Blueprint::Unchecked what_;
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
