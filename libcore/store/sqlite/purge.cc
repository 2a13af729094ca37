#include "store/sqlite/purge.h"

#include <array>
#include <utility>

#include "store/sqlite/table.h"

namespace nacre::store::sqlite {
namespace {

constexpr Milliseconds kPurgeEvery{5'000};
constexpr Milliseconds kPurgeBudget{5};       // of a step, and the value that it is at: a value may be large
constexpr Milliseconds kPurgeTimeout{1'000};  // to wait for other writers' locks

/// One value at a time. True: there are more.
Result<bool> purge(Connection& connection, Timestamp now) {
  static const std::string table(kRememberedTable);
  static const std::string expired =
      "DELETE FROM " + table + " WHERE key = (SELECT key FROM " + table + " WHERE expires <= ? ORDER BY expires LIMIT 1)";
  static const std::string ahead = "UPDATE " + table + " SET expires = ?1 WHERE key = (SELECT key FROM " + table +
                                   " WHERE expires > ?1 ORDER BY expires DESC LIMIT 1)";
  const Monotonic until = monotonic_now() + kPurgeBudget;
  for (const auto& [sql, bound] : {std::pair(&expired, now), std::pair(&ahead, now + Remember::kLongest)}) {
    do {
      if (monotonic_now() >= until) return true;
      auto done = Run(connection, *sql).bind(std::int64_t{bound.time_since_epoch().count()}).finish();
      if (!done) return done.error();
    } while (sqlite3_changes(connection.handle()) > 0);
  }
  return false;
}

}  // namespace

class Purge::Step final : public ResultCall<bool> {
 public:
  Step(std::weak_ptr<Purge> purge, Timestamp now) : purge_(std::move(purge)), now_(now) {
    deadline = monotonic_now() + kPurgeTimeout;
  }
  void done() override {
    if (const auto purge = purge_.lock()) purge->took(result);
  }

 private:
  Result<bool> work(Connection& connection) override { return purge(connection, now_); }

  const std::weak_ptr<Purge> purge_;
  const Timestamp now_;
};

Purge::Purge(Reactor& reactor, std::shared_ptr<Queue> writes, Milliseconds pause)
    : reactor_(reactor), writes_(std::move(writes)), pause_(pause), timer_(reactor.background_timer([this] { step(); })) {}

void Purge::begin() { took(false); }

void Purge::step() {
  if (!writes_->submit(std::make_shared<Step>(weak_from_this(), reactor_.wall()))) took(false);
}

void Purge::took(const Result<bool>& more) { timer_->arm(reactor_.now() + (more && *more ? pause_ : kPurgeEvery)); }

}  // namespace nacre::store::sqlite
